import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { SearchPassagesResponse } from "@quartet/contracts/retrieval/v1/retrieval_service";
import type { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { Execution, Fusion, LegKind, type SearchOptionsSchema } from "@quartet/contracts/type/v1/search";
import { reasonOf } from "@quartet/errors";
import { describeWithStores } from "@quartet/testing/jest";
import { type Callable, callable, errorOf, idsOf, openCluster } from "./faults/cluster.ts";
import { startRetrieval } from "./faults/retrieval-process.ts";

type Filter = MessageInitShape<typeof FilterSchema>;
type Options = MessageInitShape<typeof SearchOptionsSchema>;

interface Subject {
  readonly service: Callable;
  close(): PromiseLike<void>;
}

const documentCount = 12;
/** The first says apple most densely; each carries a number, and every other one a tag and a place. */
const documents = Array.from({ length: documentCount }, (_, number) => ({
  id: `과일-${String(number).padStart(2, "0")}`,
  title: `과일 ${number}`,
  text: `사과 이야기 ${"배나무 밭 ".repeat(number + 1)}`,
  tags: number % 2 === 0 ? ["짝수"] : ["홀수"],
  taxonomyPath: number < 4 ? "과일/사과" : "과일/배",
  metadata: {
    number: { kind: { case: "numberValue", value: number } } as const,
    색: { kind: { case: "stringValue", value: number < 6 ? "빨강" : "초록" } } as const,
  },
}));
const idOf = (number: number) => documents[number]!.id;

/** Every parameter of a search acts, whichever engines are behind it, over gRPC. */
function parametersContract(open: () => Promise<Subject>) {
  let subject: Subject;
  const search = (options: Options = {}, pageSize = 100): Promise<SearchPassagesResponse> =>
    subject.service.search("사과 이야기", { pageSize, options: options as Record<string, unknown> });
  const only = async (filter: Filter) => idsOf(await search({ filter })).sort();

  beforeAll(async () => {
    subject = await open();
    await subject.service.put(documents);
  }, 120_000);
  afterAll(async () => subject?.close(), 60_000);

  it("page_size", async () => {
    expect((await search({}, 0)).passages).toHaveLength(10);
    expect((await search({}, 3)).passages).toHaveLength(3);
    expect((await search({}, 100)).passages).toHaveLength(documentCount);
  });

  it("bm25_top_k and vector_top_k", async () => {
    const counts = async (options: Options) =>
      (await search(options)).legs.map(({ leg, passageCount }) => [leg, passageCount]);
    expect(await counts({ bm25TopK: 5, vectorTopK: 3 })).toEqual([
      [LegKind.KEYWORD, 5],
      [LegKind.VECTOR, 3],
    ]);
    expect(await counts({})).toEqual([
      [LegKind.KEYWORD, documentCount],
      [LegKind.VECTOR, documentCount],
    ]);
  });

  it("rerank_candidate_count", async () => {
    expect((await search({ rerankCandidateCount: 4 })).passages).toHaveLength(4);
    const all = idsOf(await search());
    expect(idsOf(await search({ rerankCandidateCount: 4 }))).toEqual(all.slice(0, 4));
  });

  it("fusion and vector_weight", async () => {
    const legsOf = async (fusion: Fusion) => (await search({ fusion })).legs.map(({ leg }) => leg);
    expect(await legsOf(Fusion.KEYWORD_ONLY)).toEqual([LegKind.KEYWORD]);
    expect(await legsOf(Fusion.VECTOR_ONLY)).toEqual([LegKind.VECTOR]);
    expect(await legsOf(Fusion.RRF)).toEqual([LegKind.KEYWORD, LegKind.VECTOR]);
    const order = async (options: Options) => idsOf(await search(options));
    expect(await order({ vectorWeight: 0 })).toEqual(await order({ fusion: Fusion.KEYWORD_ONLY }));
    expect(await order({ vectorWeight: 1 })).toEqual(await order({ fusion: Fusion.VECTOR_ONLY }));
    const [best] = (await search({ fusion: Fusion.RRF })).passages;
    expect(best!.hits.map(({ rank }) => rank)).toEqual([1, 1]);
    expect(best!.score).toBe(1);
  });

  it("execution", async () => {
    const withoutTimes = ({ passages, failures }: SearchPassagesResponse) => ({ passages, failures });
    const sequential = await search({ execution: Execution.SEQUENTIAL });
    expect(withoutTimes(sequential)).toEqual(withoutTimes(await search({ execution: Execution.PARALLEL })));
  });

  it("filter and tags", async () => {
    const numbers = Array.from({ length: documentCount }, (_, number) => number);
    const where = (holds: (number: number) => boolean) => numbers.filter(holds).map(idOf);
    expect(await only({ condition: { case: "tag", value: "짝수" } })).toEqual(where((number) => number % 2 === 0));
    expect(await only({ condition: { case: "taxonomyPathPrefix", value: "과일/사과" } })).toEqual(
      where((number) => number < 4),
    );
    const min = { kind: { case: "numberValue", value: 9 } } as const;
    expect(await only({ condition: { case: "range", value: { field: "metadata.number", min } } })).toEqual(
      where((number) => number >= 9),
    );
    const red = { field: "metadata.색", value: { kind: { case: "stringValue", value: "빨강" } } } as const;
    const not: Filter = {
      condition: { case: "noneOf", value: { filters: [{ condition: { case: "equals", value: red } }] } },
    };
    expect(await only(not)).toEqual(where((number) => number >= 6));
    expect(idsOf(await search({ tags: ["홀수"] })).sort()).toEqual(where((number) => number % 2 === 1));
    // The best within a narrow filter, however far down they stand without it.
    expect(
      idsOf(
        await search({
          bm25TopK: 1,
          vectorTopK: 1,
          filter: { condition: { case: "range", value: { field: "metadata.number", min } } },
        }),
      ),
    ).toHaveLength(1);
  });

  it("sources and include_metadata", async () => {
    expect((await search({ sources: ["corpus"] }, 1)).passages[0]!.metadata).toEqual({});
    expect((await search({ includeMetadata: true }, 1)).passages[0]!.metadata["색"]).toBeDefined();
    expect(reasonOf(await errorOf(search({ sources: ["nowhere"] })))).toBe("SOURCE_UNKNOWN");
  });
}

describe("search parameters on the embedded stores", () => {
  parametersContract(async () => {
    const process = await startRetrieval({ QUARTET_DATA_DIR: ":memory:" });
    return { service: callable(process), close: () => process[Symbol.asyncDispose]() };
  });
});

describeWithStores("search parameters on PostgreSQL and Elasticsearch", ["postgres", "elasticsearch"], (stores) => {
  parametersContract(async () => {
    const cluster = await openCluster(stores);
    return { service: cluster, close: () => cluster[Symbol.asyncDispose]() };
  });
});
