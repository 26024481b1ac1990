import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { LegKind } from "@quartet/contracts/type/v1/search";
import { reasonOf, violationsOf } from "@quartet/errors";
import { createClient, createInMemoryTransport, type ServiceModule } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { createModule, parseConfig } from "./app.ts";

describe("the graph of the retrieval service", () => {
  const log = createLogger({ service: "retrieval", destination: { write: () => {} } });
  const metrics = createMetrics({ component: "retrieval", processMetrics: false });
  const config = parseConfig({ QUARTET_DATA_DIR: ":memory:", QUARTET_RETRIEVAL_LEG_TIMEOUT: "60s" });
  const service: ServiceModule = createModule(config, { log, metrics });
  const transport = createInMemoryTransport(service.routes, { validate: true });
  const documents = createClient(DocumentService, transport);
  const retrieval = createClient(RetrievalService, transport);

  beforeAll(() => service.start!(new AbortController().signal));
  afterAll(() => service.stop!());

  const entities = [
    { id: "sejong", name: "세종대왕", aliases: ["세종"] },
    { id: "hangul", name: "훈민정음" },
    { id: "haerye", name: "해례본" },
  ];
  const relations = [
    { sourceEntityId: "sejong", targetEntityId: "hangul", kind: "만들었다" },
    { sourceEntityId: "haerye", targetEntityId: "hangul", kind: "풀이한다" },
  ];
  const refused = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: unknown) => [reasonOf(error), violationsOf(error)[0]?.field],
    );
  const search = async (query: string) => {
    const { passages } = await retrieval.searchPassages({ query, options: { includeMetadata: false } });
    return passages.map(({ documentId, hits }) => [documentId, hits.find(({ leg }) => leg === LegKind.GRAPH)?.path]);
  };

  it("takes entities and relations, finds what a question is linked to, and shows the way", async () => {
    await documents.putDocuments({
      documents: [
        { id: "a", text: "해례본은 간송미술관에 있다." },
        { id: "b", text: "세종은 조선의 임금이다." },
      ],
    });
    const question = "세종대왕께서 만드신 글자를 풀이한 책은?";
    expect((await search(question)).some(([id]) => id === "a")).toBe(false);
    expect((await documents.putGraph({ graph: { entities, relations } })).changedCount).toBe(5);
    for (let waiting = 1n; waiting > 0n;) waiting = (await documents.putGraph({ graph: {} })).waitingDocumentCount;
    expect(await search(question)).toEqual([
      ["b", ["세종대왕"]],
      ["a", ["세종대왕", "만들었다", "훈민정음", "^풀이한다", "해례본"]],
    ]);
    expect(await documents.putGraph({ graph: { entities, relations } })).toMatchObject({ changedCount: 0 });
    expect(await documents.deleteEntities({ entityIds: ["hangul", "nobody"] })).toMatchObject({ deletedCount: 1 });
    expect((await search(question)).some(([id]) => id === "a")).toBe(false);
  });

  it("names what is wrong with a graph", async () => {
    const unknown = [{ sourceEntityId: "sejong", targetEntityId: "nobody", kind: "k" }];
    expect(await refused(documents.putGraph({ graph: { relations: unknown } }))).toEqual([
      "FIELD_INVALID",
      "graph.relations[0].target_entity_id",
    ]);
    expect(await refused(documents.putGraph({ graph: { entities: [{ id: "x", name: "a\0" }] } }))).toEqual([
      "FIELD_INVALID",
      "graph.entities[0].name",
    ]);
    expect(await refused(documents.putGraph({}))).toEqual(["FIELD_INVALID", "graph"]);
    expect(await refused(documents.putGraph({ graph: { entities: [{ id: "x", name: "가".repeat(257) }] } }))).toEqual([
      "FIELD_INVALID",
      "graph.entities[0].name",
    ]);
    expect(await refused(documents.deleteEntities({ entityIds: [] }))).toEqual(["FIELD_INVALID", "entity_ids"]);
  });
});
