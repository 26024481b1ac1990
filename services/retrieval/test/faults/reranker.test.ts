import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import { createClient, createInMemoryTransport } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { type FakeReranker, type FakeRerankBehaviour, startFakeReranker } from "@quartet/testing";
import { createModule, parseConfig } from "../../src/app.ts";

const key = "sk-canary-rerank";
/** By words alone the first is best: it names the leave most often. */
const texts = {
  "수당.md": "연차 수당은 연차 연차 연차를 쓰지 않은 날에 대해 준다.",
  "연차.md": "연차 유급 휴가는 1년에 15일이다.",
  "병가.md": "병가는 연차 유급 휴가와 따로 쓴다.",
};
const byWords = ["수당.md", "병가.md", "연차.md"];
const byModel = ["연차.md", "병가.md", "수당.md"];
const asModel = (text: string) => (text.includes("15일") ? 0.9 : text.includes("병가") ? 0.5 : 0.1);

describe("searches with a reranker behind HTTP", () => {
  let fake: FakeReranker;
  let log: string[];
  let stop: () => Promise<void>;
  let search: () => Promise<{ readonly ids: readonly string[]; readonly reasons: readonly string[] }>;

  const start = async (environment: Readonly<Record<string, string>> = {}) => {
    log = [];
    const config = parseConfig({
      QUARTET_DATA_DIR: ":memory:",
      QUARTET_SEARCH_CACHE_ENTRIES: "0",
      QUARTET_RERANKER: "http",
      QUARTET_RERANK_URL: fake.jinaUrl,
      QUARTET_RERANK_FORM: "jina",
      QUARTET_RERANK_MODEL: "m",
      QUARTET_RERANK_API_KEY: key,
      QUARTET_RERANK_TIMEOUT: "10s",
      ...environment,
    });
    const service = createModule(config, {
      log: createLogger({ service: "retrieval", destination: { write: (line) => void log.push(line) } }),
      metrics: createMetrics({ component: "retrieval", processMetrics: false }),
    });
    await service.start!(new AbortController().signal);
    stop = () => service.stop!();
    const transport = createInMemoryTransport(service.routes, { validate: true });
    const documents = Object.entries(texts).map(([id, text]) => ({ id, text }));
    await createClient(DocumentService, transport).putDocuments({ documents });
    const retrieval = createClient(RetrievalService, transport);
    search = async () => {
      const { passages, failures } = await retrieval.searchPassages({ query: "연차" });
      return { ids: passages.map(({ documentId }) => documentId), reasons: failures.map(({ reason }) => reason) };
    };
    return transport;
  };

  beforeEach(async () => {
    fake = await startFakeReranker({ score: asModel });
  });
  afterEach(async () => {
    await stop();
    await fake.close();
    expect(log.join("")).not.toMatch(/canary|127\.0\.0\.1/);
  });

  it("stand in the model's order", async () => {
    await start();
    expect(await search()).toEqual({ ids: byModel, reasons: ["NO_QUERY_VECTOR"] });
    expect(fake.requests[0]).toMatchObject({
      key,
      body: { query: "연차", documents: byWords.map((id) => texts[id as keyof typeof texts]) },
    });
  });

  it.each<[string, FakeRerankBehaviour]>([
    ["is at its limit", { status: 429 }],
    ["fails", { status: 500 }],
    ["refuses the key", { status: 401 }],
    ["refuses the request", { status: 422 }],
    ["breaks off", { cut: true }],
    ["answers with a page", { text: "<!doctype html><title>Gateway" }],
    ["answers without end", { endless: true }],
    ["scores with what is no number", { text: '{"results":[{"index":0,"relevance_score":"high"}]}' }],
    ["leaves passages out", { results: (results) => results.slice(1) }],
    [
      "names passages that it was not shown",
      { results: (results) => results.map((each) => ({ ...each, index: each.index + 1 })) },
    ],
  ])("stand as they were found, and say so, when it %s", async (_, behaviour) => {
    await start();
    fake.set(behaviour);
    expect(await search()).toEqual({ ids: byWords, reasons: ["NO_QUERY_VECTOR", "NOT_RERANKED"] });
    expect(fake.requests).toHaveLength(1);
    fake.set({ score: asModel });
    expect(await search()).toEqual({ ids: byModel, reasons: ["NO_QUERY_VECTOR"] });
  });

  it("wait for a silent one no longer than its limit, and close the connection", async () => {
    await start({ QUARTET_RERANK_TIMEOUT: "50ms" });
    fake.set({ hang: true });
    expect((await search()).reasons).toContain("NOT_RERANKED");
    await fake.requests[0]!.closed;
  });

  it("ask one that fails no more, until it has had time to come back", async () => {
    await start();
    fake.set({ status: 500 });
    for (let asked = 0; asked < 30; asked += 1) expect((await search()).ids).toEqual(byWords);
    expect(fake.requests.length).toBeLessThan(10);
    fake.set({ score: asModel });
    const deadline = performance.now() + 15_000;
    let found = await search();
    while (found.ids[0] !== byModel[0] && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      found = await search();
    }
    expect(found).toEqual({ ids: byModel, reasons: ["NO_QUERY_VECTOR"] });
  });

  it("show it only the best", async () => {
    await start({ QUARTET_RERANK_CANDIDATES: "2" });
    expect((await search()).ids).toEqual(["병가.md", "수당.md", "연차.md"]);
    expect(fake.requests[0]!.body["documents"]).toHaveLength(2);
  });

  it("ask nobody where there is none", async () => {
    await start({ QUARTET_RERANKER: "none" });
    expect(await search()).toEqual({ ids: byWords, reasons: ["NO_QUERY_VECTOR"] });
    expect(fake.requests).toEqual([]);
  });

  it("lift passages close to good ones where it is the built-in one", async () => {
    const transport = await start({ QUARTET_RERANKER: "builtin" });
    const documents = createClient(DocumentService, transport);
    // Fifteen directions, and one passage that lies beside the best without sharing a word with the question.
    const others = Array.from({ length: 15 }, (_, place) => ({
      id: `규정 ${place}`,
      text: `제${place}조는 다른 일을 정한다.`,
    }));
    await documents.putDocuments({ documents: [...others, { id: "휴무.md", text: "쉬는 날을 세는 법." }] });
    const index = createClient(IndexService, transport);
    const space = {
      id: "0123456789abcdef",
      dimensions: 2,
      kind: EmbeddingSpaceKind.SEMANTIC,
      denseWeight: 0.3,
      cacheThreshold: 2,
      model: "m",
    };
    const page = await index.listPassagesWithoutVector({ collection: "default", spaceId: space.id });
    const angleOf = (text: string) => {
      const place = /^제(\d+)조/.exec(text)?.[1];
      return place === undefined ? (text.startsWith("쉬는") ? 0.02 : 0) : 0.5 + Number(place) / 10;
    };
    const vectors = page.contents.map(({ contentHash, text }) => {
      const values = [Math.cos(angleOf(text)), Math.sin(angleOf(text))];
      return { contentHash, vector: { encoding: { case: "float32", value: { values } } as const } };
    });
    await index.putVectors({ collection: "default", space, vectors });
    const query = {
      query: "연차",
      pageSize: 20,
      spaceId: space.id,
      queryVector: { encoding: { case: "float32" as const, value: { values: [Math.cos(0.2), Math.sin(0.2)] } } },
    };
    const { passages, failures } = await createClient(RetrievalService, transport).searchPassages(query);
    const place = passages.findIndex(({ documentId }) => documentId === "휴무.md");
    expect(failures).toEqual([]);
    expect(passages[0]!.documentId).toBe("수당.md");
    // Above its own share of the fusion, which is that of the vectors alone.
    expect(place).toBe(3);
    expect(passages[place]!.score).toBeGreaterThan(0.3);
  });
});
