import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { DocumentView, PutOutcome } from "@quartet/contracts/type/v1/document";
import { Fusion, LegKind, LegStatus } from "@quartet/contracts/type/v1/search";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import { reasonOf } from "@quartet/errors";
import { createClient, createInMemoryTransport, type ServiceModule } from "@quartet/rpc";
import { createLogger } from "@quartet/telemetry";
import { hashedEmbedding } from "@quartet/text";
import { createModule } from "./app.ts";

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
  const service: ServiceModule = createModule({ dataDir: ":memory:", legTimeLimitMs: 5_000 }, { log });
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
    expect(await retrieval.searchPassages({ query: "x", options: { sources: ["graph"] } }).catch(reasonOf)).toBe(
      "SOURCE_UNKNOWN",
    );
    expect(await documents.listDocuments({ pageToken: "abc" }).catch(reasonOf)).toBe("PAGE_TOKEN_INVALID");
  });
});
