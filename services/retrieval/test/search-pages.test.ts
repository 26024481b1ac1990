import { Code, createContextValues } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { SearchPassagesResponse } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { Fusion } from "@quartet/contracts/type/v1/search";
import { reasonOf } from "@quartet/errors";
import { principalKey } from "@quartet/rpc";
import { hashedEmbedding } from "@quartet/text";
import { describeWithStores } from "@quartet/testing/jest";
import { callable, errorOf, openCluster, space } from "./faults/cluster.ts";
import { type RetrievalProcess, startRetrieval, until } from "./faults/retrieval-process.ts";

interface Subject {
  readonly service: RetrievalProcess;
  /** Whether its data is there after a restart. */
  readonly isKept: boolean;
  close(): PromiseLike<void>;
}

const documentCount = 90;
/** Half of them speak of apples, some of those in several passages, and many in the same words. */
const documents = Array.from({ length: documentCount }, (_, number) => {
  const line = number % 2 === 0 ? `사과 이야기 ${"배나무 ".repeat(number % 7)}` : `a tale of pears ${number % 5}`;
  const text = number % 10 === 0 ? Array(3).fill(`${line}. `.repeat(60)).join("\n\n") : line;
  return { id: `과일-${String(number).padStart(2, "0")}`, title: "", text };
});
const query = "사과 이야기 pears";
const vector = { encoding: { case: "float32", value: { values: Array.from(hashedEmbedding(query)) } } } as const;
const narrow = { bm25TopK: 10, vectorTopK: 8, rerankCandidateCount: 12 };

/** Every page of a search, over gRPC, whichever engines are behind it. */
function pagesContract(open: () => Promise<Subject>) {
  let subject: Subject;
  let passageCount = 0;
  beforeAll(async () => {
    subject = await open();
    await callable(subject.service).put(documents);
    const { collections } = await subject.service.index.listCollections({});
    passageCount = Number(collections[0]!.passageCount);
  }, 120_000);
  afterAll(async () => subject?.close(), 60_000);

  const page = (pageToken: string, pageSize: number, options: object = narrow, tenant?: string) =>
    subject.service.retrieval.searchPassages(
      { query, pageSize, pageToken, queryVector: vector, spaceId: space.id, options },
      {
        timeoutMs: 30_000,
        ...(tenant && { contextValues: createContextValues().set(principalKey, { tenant, roles: [] } as never) }),
      },
    );
  const readAll = async (pageSize: number, options: object = narrow) => {
    const pages: SearchPassagesResponse[] = [];
    do pages.push(await page(pages.at(-1)?.nextPageToken ?? "", pageSize, options));
    while (pages.at(-1)!.nextPageToken !== "");
    return {
      pages,
      names: pages.flatMap(({ passages }) => passages.map((each) => `${each.documentId} ${each.ordinal}`)),
    };
  };

  it("are together every passage, once, in one order, whatever their size", async () => {
    const { names, pages } = await readAll(100);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(passageCount);
    expect(passageCount).toBeGreaterThan(documentCount);
    expect(pages[0]!.passages).toHaveLength(12);
    expect((await readAll(7)).names).toEqual(names);
    const scores = pages.flatMap(({ passages }) => passages.map(({ score }) => score));
    expect(scores).toEqual([...scores].sort((left, right) => right - left));
    expect(pages.every(({ failures }) => failures.length === 0)).toBe(true);
  });

  it.each([
    ["keywords", Fusion.KEYWORD_ONLY],
    ["vectors", Fusion.VECTOR_ONLY],
    ["ranks", Fusion.RRF],
  ])("of %s alone as well, within a filter", async (_name, fusion) => {
    const under = { field: "document_id", max: { kind: { case: "stringValue", value: "과일-49" } } } as const;
    const options = { ...narrow, fusion, filter: { condition: { case: "range", value: under } } };
    const { names } = await readAll(9, options);
    expect(new Set(names).size).toBe(names.length);
    const whole = await readAll(100, { fusion, filter: options.filter, bm25TopK: 1000, vectorTopK: 1000 });
    expect([...names].sort()).toEqual([...whole.names].sort());
    expect(names.every((name) => name < "과일-50")).toBe(true);
  });

  it("are asked for with a token of this search, tenant and installation", async () => {
    const { nextPageToken: token } = await page("", 5);
    const refusal = async (call: Promise<unknown>) => {
      const error = await errorOf(call);
      return [error.code, reasonOf(error)];
    };
    const invalid = [Code.InvalidArgument, "PAGE_TOKEN_INVALID"];
    expect(await refusal(page(`${token.slice(0, -2)}xx`, 5))).toEqual(invalid);
    expect(await refusal(page("garbage", 5))).toEqual(invalid);
    expect(await refusal(page(token, 5, { ...narrow, bm25TopK: 11 }))).toEqual(invalid);
    expect(await refusal(page(token, 5, narrow, "another"))).toEqual([Code.NotFound, "NOT_FOUND"]);
    expect((await page(token, 6)).passages).toHaveLength(6);
  });

  it("go on after a restart", async () => {
    if (!subject.isKept) return;
    const first = await page("", 100);
    const second = await page(first.nextPageToken, 100);
    await subject.service.stop("SIGTERM");
    await subject.service.start();
    const third = await until(
      "the stores are open",
      () => page(second.nextPageToken, 100),
      ({ passages }) => passages.length > 0,
      60_000,
    );
    const before = [first, second].flatMap(({ passages }) =>
      passages.map(({ documentId, ordinal }) => `${documentId} ${ordinal}`),
    );
    expect(third.passages.some(({ documentId, ordinal }) => before.includes(`${documentId} ${ordinal}`))).toBe(false);
  }, 180_000);
}

describe("pages of a search on the embedded stores", () => {
  pagesContract(async () => {
    const service = await startRetrieval({ QUARTET_DATA_DIR: ":memory:", QUARTET_SEARCH_CACHE_ENTRIES: "0" });
    return { service, isKept: false, close: () => service[Symbol.asyncDispose]() };
  });
});

describeWithStores("pages of a search on PostgreSQL and Elasticsearch", ["postgres", "elasticsearch"], (stores) => {
  pagesContract(async () => {
    const cluster = await openCluster(stores);
    return { service: cluster.service, isKept: true, close: () => cluster[Symbol.asyncDispose]() };
  });
});

describeWithStores("pages of a search beside an index of vectors", ["postgres", "elasticsearch"], (stores) => {
  pagesContract(async () => {
    const cluster = await openCluster(stores, { QUARTET_EXACT_SCAN_ROWS: "20" });
    await callable(cluster.service).put(documents);
    await until(
      "the vectors have an index",
      () =>
        cluster.owner.transaction({ signal: new AbortController().signal }, (transaction) =>
          transaction.query<{ placement: string }>("SELECT placement FROM space WHERE role = 'active'"),
        ),
      ([row]) => row?.placement === "own",
      120_000,
    );
    return { service: cluster.service, isKept: true, close: () => cluster[Symbol.asyncDispose]() };
  });
});
