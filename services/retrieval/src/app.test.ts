import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { DocumentView, PutOutcome } from "@quartet/contracts/type/v1/document";
import type { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { Execution, Fusion, LegKind, LegStatus } from "@quartet/contracts/type/v1/search";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import { reasonOf, violationsOf } from "@quartet/errors";
import { createClient, createInMemoryTransport, type ServiceModule } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { hashedEmbedding } from "@quartet/text";
import { createModule, parseConfig } from "./app.ts";

type Filter = MessageInitShape<typeof FilterSchema>;

const space = {
  id: "0123456789abcdef",
  dimensions: 2048,
  kind: EmbeddingSpaceKind.HASHED,
  denseWeight: 0.2,
  cacheThreshold: 2,
  model: "hashed",
};
const vectorOf = (text: string) => ({
  encoding: { case: "float32", value: { values: Array.from(hashedEmbedding(text)) } } as const,
});

describe("the retrieval service", () => {
  const log = createLogger({ service: "retrieval", destination: { write: () => {} } });
  const metrics = createMetrics({ component: "retrieval", processMetrics: false });
  const config = parseConfig({ QUARTET_DATA_DIR: ":memory:", QUARTET_RETRIEVAL_LEG_TIMEOUT: "5s" });
  const service: ServiceModule = createModule(config, { log, metrics });
  const transport = createInMemoryTransport(service.routes, { validate: true });
  const documents = createClient(DocumentService, transport);
  const index = createClient(IndexService, transport);
  const retrieval = createClient(RetrievalService, transport);

  beforeAll(() => service.start!(new AbortController().signal));
  afterAll(() => service.stop!());

  const embedAll = async () => {
    for (let pageToken = ""; ;) {
      const page = await index.listPassagesWithoutVector({ collection: "default", spaceId: space.id, pageToken });
      const vectors = page.contents.map(({ contentHash, text }) => ({ contentHash, vector: vectorOf(text) }));
      if (vectors.length > 0) await index.putVectors({ collection: "default", space, vectors });
      if (page.nextPageToken === "") return;
      pageToken = page.nextPageToken;
    }
  };

  it("puts, embeds, searches, lists, replaces and deletes", async () => {
    const put = await documents.putDocuments({
      documents: [
        {
          id: "부가세.md",
          title: "부가가치세",
          text: "부가가치세는 재화와 용역의 공급에 붙는 세금이다.",
          tags: ["세금"],
        },
        { id: "cat.txt", title: "Cats", text: "Cats sleep for most of the day. They purr when they are content." },
        { id: "empty", text: "  \n " },
      ],
    });
    expect(put.results.map(({ outcome }) => outcome)).toEqual([
      PutOutcome.CREATED,
      PutOutcome.CREATED,
      PutOutcome.FAILED,
    ]);
    expect(put.results[2]!.failure).toMatchObject({ code: "invalid_argument", reason: "FIELD_INVALID" });
    expect(put.collections).toMatchObject([{ collection: "default", recordSeq: 2n, projectedSeq: 2n }]);

    const early = await retrieval.searchPassages({ query: "sleeping cats" });
    expect(early.passages.map(({ documentId }) => documentId)).toEqual(["cat.txt"]);
    expect(early.failures.map(({ reason }) => reason)).toEqual(["NO_QUERY_VECTOR"]);

    await embedAll();
    const { collections } = await index.listCollections({});
    expect(collections).toMatchObject([{ documentCount: 2n, passageCount: 2n, activeVectorCount: 2n }]);

    const query = "부가가치세란?";
    const found = await retrieval.searchPassages({ query, queryVector: vectorOf(query), spaceId: space.id });
    expect(found.failures).toEqual([]);
    expect(found.legs.map(({ leg, status }) => [leg, status])).toEqual([
      [LegKind.KEYWORD, LegStatus.OK],
      [LegKind.VECTOR, LegStatus.OK],
    ]);
    expect(found.passages[0]).toMatchObject({ documentId: "부가세.md", score: 1, tags: ["세금"], documentVersion: 1n });

    const again = await documents.putDocuments({
      documents: [{ id: "cat.txt", title: "Dogs", text: "Dogs bark at night." }],
    });
    expect(again.results).toMatchObject([{ outcome: PutOutcome.REPLACED, version: 2n }]);
    const gone = await retrieval.searchPassages({ query: "cats purr", options: { fusion: Fusion.KEYWORD_ONLY } });
    expect(gone.passages).toEqual([]);

    const listed = await documents.listDocuments({ view: DocumentView.FULL });
    expect(listed.documents.map(({ id, vectorCount, text }) => [id, vectorCount, text])).toEqual([
      ["cat.txt", 0, "Dogs bark at night."],
      ["부가세.md", 1, "부가가치세는 재화와 용역의 공급에 붙는 세금이다."],
    ]);
    expect(await documents.deleteDocuments({ documentIds: ["cat.txt", "nobody"] })).toMatchObject({ deletedCount: 1 });
    expect((await documents.listDocuments({})).documents.map(({ id }) => id)).toEqual(["부가세.md"]);
  });

  it("names what a filter or source gets wrong", async () => {
    const unknown = await retrieval
      .searchPassages({
        query: "x",
        options: { filter: { condition: { case: "exists", value: "metadata.a.b" } } },
      })
      .catch(reasonOf);
    expect(unknown).toBe("FILTER_FIELD_UNKNOWN");
    expect(await retrieval.searchPassages({ query: "x", options: { sources: ["persona"] } }).catch(reasonOf)).toBe(
      "SOURCE_UNKNOWN",
    );
    expect(await documents.listDocuments({ pageToken: "abc" }).catch(reasonOf)).toBe("PAGE_TOKEN_INVALID");
  });

  it("keeps page tokens to the request they came from", async () => {
    const names = ["p1", "p2", "p3"];
    await documents.putDocuments({ documents: names.map((id) => ({ id, text: "쪽", tags: ["page"] })) });
    const filter = { condition: { case: "tag", value: "page" } } as const;
    const first = await documents.listDocuments({ pageSize: 2, filter });
    expect(first.documents.map(({ id }) => id)).toEqual(["p1", "p2"]);
    const pageToken = first.nextPageToken;
    const second = await documents.listDocuments({ pageSize: 100, filter, pageToken });
    expect([second.documents.map(({ id }) => id), second.nextPageToken]).toEqual([["p3"], ""]);
    expect(await documents.listDocuments({ pageToken }).catch(reasonOf)).toBe("PAGE_TOKEN_INVALID");
    expect(await index.listCollections({ pageToken }).catch(reasonOf)).toBe("PAGE_TOKEN_INVALID");
  });

  it("says why a space cannot be activated, and refuses vectors of another length", async () => {
    const activate = (spaceId: string, collection = "default") => index.activateSpace({ collection, spaceId });
    expect(await activate("f".repeat(16)).catch(reasonOf)).toBe("EMBEDDING_SPACE_MISMATCH");
    expect(await activate(space.id, "nowhere").catch(reasonOf)).toBe("NOT_FOUND");
    const next = { ...space, id: "f".repeat(16) };
    const { contents } = await index.listPassagesWithoutVector({
      collection: "default",
      spaceId: next.id,
      pageSize: 1,
    });
    const [content] = contents;
    const vector = vectorOf(content!.text);
    const vectors = [{ contentHash: content!.contentHash, vector }];
    await index.putVectors({ collection: "default", space: next, vectors });
    const incomplete = await activate(next.id).catch((error: unknown) => error);
    expect(reasonOf(incomplete)).toBe("EMBEDDING_SPACE_INCOMPLETE");
    const short = { encoding: { case: "float32" as const, value: { values: [1, 2] } } };
    const wrong = index.putVectors({
      collection: "default",
      space: next,
      vectors: [{ contentHash: content!.contentHash, vector: short }],
    });
    expect(violationsOf(await wrong.catch((error: unknown) => error))).toMatchObject([{ field: "vectors[0].vector" }]);
    const query = { query: "x", queryVector: short, spaceId: space.id };
    const searched = await retrieval.searchPassages(query).catch((error: unknown) => error);
    expect(violationsOf(searched)).toMatchObject([{ field: "query_vector" }]);
  });

  it("refuses filters that are too deep, too large or of mixed types, naming the node", async () => {
    const tag: Filter = { condition: { case: "tag", value: "x" } };
    const nested = (depth: number): Filter =>
      depth === 1 ? tag : { condition: { case: "noneOf", value: { filters: [nested(depth - 1)] } } };
    const wide = (count: number): Filter => ({
      condition: { case: "anyOf", value: { filters: Array<Filter>(count).fill(tag) } },
    });
    const search = async (filter: Filter) =>
      violationsOf(
        await retrieval.searchPassages({ query: "쪽", options: { filter } }).catch((error: unknown) => error),
      );
    expect(await search(nested(8))).toEqual([]);
    expect((await search(nested(9)))[0]!.field).toContain("none_of.filters[0].none_of");
    expect(await search({ condition: { case: "allOf", value: { filters: Array<Filter>(3).fill(wide(64)) } } })).toEqual(
      [],
    );
    const tooMany = await search({ condition: { case: "allOf", value: { filters: Array<Filter>(4).fill(wide(64)) } } });
    expect(tooMany).toMatchObject([{ field: "options.filter", description: "a filter has at most 256 nodes" }]);
    const mixed = await search({
      condition: {
        case: "range",
        value: {
          field: "metadata.year",
          min: { kind: { case: "numberValue", value: 1 } },
          max: { kind: { case: "stringValue", value: "2" } },
        },
      },
    });
    expect(mixed).toMatchObject([{ field: "options.filter.range" }]);
  });

  it("lets every limit and switch act", async () => {
    const many = Array.from({ length: 12 }, (_, number) => ({
      id: `m${number}`,
      text: `사과 이야기 ${"배 ".repeat(number + 1)}`,
      metadata: { number: { kind: { case: "numberValue", value: number } } } as const,
      collection: "fruit",
    }));
    await documents.putDocuments({ documents: many });
    const filter: Filter = {
      condition: {
        case: "equals",
        value: { field: "collection", value: { kind: { case: "stringValue", value: "fruit" } } },
      },
    };
    const search = (pageSize: number, options: object = {}) =>
      retrieval.searchPassages({ query: "사과", pageSize, options: { filter, ...options } });
    expect((await search(0)).passages).toHaveLength(10);
    expect((await search(3)).passages).toHaveLength(3);
    expect((await search(100)).passages).toHaveLength(12);
    const few = await search(100, { bm25TopK: 5 });
    expect(few.passages).toHaveLength(5);
    expect(few.legs[0]).toMatchObject({ passageCount: 5 });
    expect(few.passages[0]!.metadata).toEqual({});
    const full = await search(1, { includeMetadata: true, execution: Execution.SEQUENTIAL });
    expect(full.passages[0]).toMatchObject({ documentId: "m0", metadata: { number: { kind: { value: 0 } } } });
    expect(full.collections.map(({ collection }) => collection)).toEqual(["fruit"]);
    expect((await search(100, { tags: ["none has this"] })).passages).toEqual([]);
  });

  it.each([
    [{ query: "  " }],
    [{ query: "a\0b" }],
    [{ query: "x".repeat(2049) }],
    [{ query: "x", pageSize: -1 }],
    [{ query: "x", pageSize: 2 ** 31 - 1 }],
    [{ query: "x", spaceId: space.id }],
    [{ query: "x", options: { bm25TopK: -1 } }],
  ])("refuses %j", async (request) => {
    expect(await retrieval.searchPassages(request).catch(reasonOf)).toBe("FIELD_INVALID");
  });
});
