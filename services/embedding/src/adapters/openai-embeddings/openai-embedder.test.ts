import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { EmbeddingPurpose, EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { reasonOf, retryDelayMsOf } from "@quartet/errors";
import {
  createClient,
  createGrpcTransport,
  createInMemoryTransport,
  createRpcServer,
  type ServiceModule,
} from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { type FakeProvider, providerErrors, startFakeProvider } from "@quartet/testing";
import { createModule, parseConfig } from "../../app.ts";

const CANARY = "sk-canary-1";
/** Longer than all attempts of a call. */
const SOON = { timeoutMs: 10_000 };

const telemetry = {
  log: createLogger({ service: "embedding", level: "silent" }),
  metrics: createMetrics({ component: "embedding", processMetrics: false }),
};
let provider: FakeProvider;
const modules: ServiceModule[] = [];

beforeEach(async () => {
  provider = await startFakeProvider();
});

afterEach(async () => {
  for (const module of modules.splice(0)) await module.stop?.();
  await provider.close();
});

/** The whole service over the fake provider. */
function embedding(environment: Record<string, string> = {}) {
  return createClient(
    EmbeddingService,
    createInMemoryTransport(embeddingModule(environment).routes, { validate: true }),
  );
}

function embeddingModule(environment: Record<string, string> = {}): ServiceModule {
  const module = createModule(
    parseConfig({
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_API_KEY: CANARY,
      QUARTET_EMBEDDING_MODEL: "fake-embedder",
      QUARTET_EMBEDDING_DIMENSIONS: "64",
      ...environment,
    }),
    telemetry,
  );
  modules.push(module);
  return module;
}

const inputs = () => provider.requests.map(({ body }) => (body as { input: string[] }).input);
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("an OpenAI-compatible embedder", () => {
  it("embeds, and tells what was billed", async () => {
    const { space, embeddings, usage } = await embedding().embedTexts({ texts: ["연차 휴가", "leave"] });
    expect(space).toMatchObject({ dimensions: 64, kind: 2, denseWeight: 0.3, model: "fake-embedder" });
    expect(embeddings.map(({ cached, truncated }) => [cached, truncated])).toEqual([
      [false, false],
      [false, false],
    ]);
    expect(usage).toMatchObject({ callCount: 1, estimated: false });
    expect(usage!.inputTokenCount).toBeGreaterThan(0);
    expect(provider.requests[0]).toMatchObject({ key: CANARY, body: { model: "fake-embedder", dimensions: 64 } });
  });

  it("asks only for what the cache lacks, and for the two purposes apart", async () => {
    const client = embedding({ QUARTET_EMBEDDING_QUERY_PREFIX: "query:" });
    await client.embedTexts({ texts: ["하나", "둘"] });
    const { embeddings, usage } = await client.embedTexts({ texts: ["둘", "셋"] });
    expect(embeddings.map(({ cached }) => cached)).toEqual([true, false]);
    expect(usage?.callCount).toBe(1);
    expect((await client.embedTexts({ texts: ["둘"] })).usage).toBeUndefined();
    await client.embedTexts({ texts: ["둘"], purpose: EmbeddingPurpose.QUERY });
    expect(inputs()).toEqual([["하나", "둘"], ["셋"], ["query: 둘"]]);
  });

  it("makes one call of equal questions asked at the same time", async () => {
    provider.set({ delayMs: 30 });
    const client = embedding();
    const all = await Promise.all(Array.from({ length: 20 }, () => client.embedTexts({ texts: ["같은 질문"] })));
    expect(provider.requests).toHaveLength(1);
    expect(all.filter(({ embeddings }) => !embeddings[0]!.cached)).toHaveLength(1);
  });

  it("learns the dimensions once where nobody told them", async () => {
    provider.set({ dimensions: 24 });
    const client = embedding({ QUARTET_EMBEDDING_DIMENSIONS: "" });
    const spaces = await Promise.all([
      client.embedTexts({}),
      client.embedTexts({}),
      client.embedTexts({ texts: ["a"] }),
    ]);
    expect(new Set(spaces.map(({ space }) => space!.id)).size).toBe(1);
    expect(spaces[0].space!.dimensions).toBe(24);
    expect(inputs()).toEqual([["dimensions"], ["a"]]);
    provider.set({ dimensions: 25 });
    expect(reasonOf(await caught(client.embedTexts({ texts: ["b"] })))).toBe("EMBED_SHAPE");
  });

  it("asks again for the dimensions while the model does not answer, and makes hashed vectors meanwhile", async () => {
    provider.set({ error: providerErrors.badRequest("loading") });
    const client = embedding({ QUARTET_EMBEDDING_DIMENSIONS: "" });
    expect(reasonOf(await caught(client.embedTexts({})))).toBe("LLM_UNAVAILABLE");
    const { space: hashed } = await createClient(
      EmbeddingService,
      createInMemoryTransport(createModule(parseConfig({}), telemetry).routes),
    ).embedTexts({});
    const { space } = await client.embedTexts({ texts: ["옛 공간"], spaceId: hashed!.id });
    expect(space).toEqual(hashed);
    provider.set({ error: undefined });
    expect((await client.embedTexts({})).space!.dimensions).toBe(64);
  });

  it("gives another space for another model, revision, dimension or prefix, and the same for another address", async () => {
    const idOf = async (environment: Record<string, string>) => (await embedding(environment).embedTexts({})).space!.id;
    const ids = await Promise.all(
      [
        {},
        { QUARTET_EMBEDDING_MODEL: "other" },
        { QUARTET_EMBEDDING_REVISION: "2" },
        { QUARTET_EMBEDDING_DIMENSIONS: "32" },
        { QUARTET_EMBEDDING_QUERY_PREFIX: "query:" },
        { QUARTET_EMBEDDING_DOCUMENT_PREFIX: "query:" },
      ].map(idOf),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(await idOf({ OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_API_KEY: "" })).toBe(ids[0]);
  });

  it("sends many texts in batches, and keeps their order", async () => {
    const client = embedding({ QUARTET_EMBEDDING_BATCH_SIZE: "3", QUARTET_EMBEDDING_CONCURRENCY: "2" });
    const texts = Array.from({ length: 8 }, (_, n) => `text ${n}`);
    const batched = await client.embedTexts({ texts });
    expect(
      inputs()
        .map((input) => input.length)
        .sort(),
    ).toEqual([2, 3, 3]);
    expect(batched.usage!.callCount).toBe(3);
    const alone = await embedding().embedTexts({ texts: ["text 7"] });
    expect(batched.embeddings[7]!.vector).toEqual(alone.embeddings[0]!.vector);
  });

  it("leaves out the end of a text that is longer than the model reads, between graphemes, and says so", async () => {
    const client = embedding({ QUARTET_EMBEDDING_MAX_CHARACTERS: "4" });
    const { embeddings } = await client.embedTexts({ texts: ["가나다라", "가나👨‍👩‍👧‍👦"] });
    expect(embeddings.map(({ truncated }) => truncated)).toEqual([false, true]);
    expect(inputs()).toEqual([["가나다라", "가나"]]);
    expect((await client.embedTexts({ texts: ["가나👨‍👩‍👧‍👦"] })).embeddings[0]).toMatchObject({
      cached: true,
      truncated: true,
    });
  });

  it("sends a single grapheme above the limit as it is", async () => {
    await embedding({ QUARTET_EMBEDDING_MAX_CHARACTERS: "4" }).embedTexts({ texts: ["👨‍👩‍👧‍👦"] });
    expect(inputs()).toEqual([["👨‍👩‍👧‍👦"]]);
  });

  it("works without a key where a base URL is set", async () => {
    expect((await embedding({ OPENAI_API_KEY: "" }).embedTexts({ texts: ["x"] })).embeddings).toHaveLength(1);
  });

  it("orders a reply by index", async () => {
    const texts = ["하나", "둘", "셋"];
    const right = await embedding().embedTexts({ texts });
    provider.set({ vectors: "reordered" });
    const reordered = await embedding().embedTexts({ texts });
    expect(reordered.embeddings).toEqual(right.embeddings);
  });

  it.each(["fewer", "shorter", "not-finite"] as const)("refuses %s vectors, and caches nothing", async (vectors) => {
    const client = embedding();
    provider.set({ vectors });
    expect(reasonOf(await caught(client.embedTexts({ texts: ["하나", "둘"] })))).toBe("EMBED_SHAPE");
    expect(provider.requests).toHaveLength(1);
    provider.set({ vectors: "right" });
    const { embeddings } = await client.embedTexts({ texts: ["하나", "둘"] });
    expect(embeddings.map(({ cached }) => cached)).toEqual([false, false]);
  });

  it("takes a web page for no answer", async () => {
    provider.set({ html: true });
    expect(reasonOf(await caught(embedding().embedTexts({ texts: ["x"] })))).toBe("LLM_PROTOCOL");
  });

  it("goes on with another key at once when one is limited, refused or spent", async () => {
    const keys = {
      "sk-a": { error: providerErrors.rateLimit({ retryAfterMs: 60_000 }) },
      "sk-b": { error: providerErrors.quota() },
    };
    await provider.close();
    provider = await startFakeProvider({
      keys: { ...keys, "sk-c": { error: providerErrors.auth("sk-c") }, "sk-d": {} },
    });
    const client = embedding({
      OPENAI_API_KEY: "sk-a",
      OPENAI_API_KEY_2: "sk-b",
      OPENAI_API_KEY_3: "sk-c",
      OPENAI_API_KEY_4: "sk-d",
    });
    const { usage } = await client.embedTexts({ texts: ["x"] });
    expect(usage!.callCount).toBe(provider.requests.length);
    expect(provider.requests.at(-1)!.key).toBe("sk-d");
    await client.embedTexts({ texts: ["y"] });
    expect(provider.requests.at(-1)!.key).toBe("sk-d");
  });

  it.each([
    ["LLM_RATE_LIMIT", providerErrors.rateLimit({ retryAfterMs: 30_000 }), 1],
    ["LLM_RATE_LIMIT", providerErrors.rateLimit({ retryAfterMs: 0 }), 3],
    ["LLM_QUOTA", providerErrors.quota(), 1],
    ["LLM_AUTH", providerErrors.auth(CANARY), 1],
    ["LLM_UNAVAILABLE", providerErrors.badRequest(`no ${CANARY}`), 1],
    ["LLM_UNAVAILABLE", providerErrors.server(503), 3],
  ] as const)("is %s after the provider's error, without its words", async (reason, error, attempts) => {
    provider.set({ error });
    const thrown = await caught(embedding().embedTexts({ texts: ["x"] }, SOON));
    expect(reasonOf(thrown)).toBe(reason);
    expect(String(thrown)).not.toContain("canary");
    expect(String(thrown)).not.toContain("127.0.0.1");
    expect(provider.requests).toHaveLength(attempts);
    if (reason !== "LLM_RATE_LIMIT") expect(retryDelayMsOf(thrown)).toBeUndefined();
    else if (attempts === 1) expect(retryDelayMsOf(thrown)).toBeGreaterThan(29_000);
  });

  it("is LLM_UNAVAILABLE where nobody listens", async () => {
    const client = embedding({ OPENAI_BASE_URL: "http://127.0.0.1:9/v1" });
    const thrown = await caught(client.embedTexts({ texts: ["x"] }, SOON));
    expect(reasonOf(thrown)).toBe("LLM_UNAVAILABLE");
    expect(String(thrown)).not.toContain("127.0.0.1");
  });

  it("gives up on a model that does not answer, and closes the socket", async () => {
    provider.set({ hang: true });
    const thrown = await caught(embedding({ QUARTET_EMBEDDING_TIMEOUT: "3s" }).embedTexts({ texts: ["x"] }));
    expect(reasonOf(thrown)).toBe("LLM_UNAVAILABLE");
    await closedWithin(10_000);
  });

  it("keeps to its connections, however much is asked at once", async () => {
    provider.set({ delayMs: 20 });
    const client = embedding({ OPENAI_CONNECTION_POOL_SIZE: "1", QUARTET_EMBEDDING_BATCH_SIZE: "1" });
    await client.embedTexts({ texts: ["a", "b", "c"] });
    const [first, second, third] = provider.requests.map(({ at }) => at);
    expect(second! - first!).toBeGreaterThanOrEqual(15);
    expect(third! - second!).toBeGreaterThanOrEqual(15);
  });

  it("closes the socket when a caller over gRPC cancels", async () => {
    provider.set({ hang: true });
    const module = embeddingModule();
    const server = createRpcServer().mount(module.routes);
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    try {
      const left = new AbortController();
      const call = caught(
        createClient(EmbeddingService, transport).embedTexts({ texts: ["x"] }, { signal: left.signal }),
      );
      await provider.arrived(1);
      left.abort();
      await call;
      await closedWithin(10_000);
    } finally {
      transport.close();
      await server.drain({ limitMs: 1_000 });
    }
  });

  it("closes the socket when the caller leaves, but not while another waits for the same text", async () => {
    provider.set({ hang: true });
    const client = embedding();
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [first, second].map(({ signal }) => caught(client.embedTexts({ texts: ["x"] }, { signal })));
    await provider.arrived(1);
    first.abort();
    await calls[0];
    expect(provider.requests[0]!.closedAt).toBeUndefined();
    second.abort();
    await closedWithin(10_000);
    expect(provider.requests).toHaveLength(1);
    expect(provider.requests[0]!.leftEarly).toBe(true);
  });
});

async function closedWithin(ms: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`the socket is open after ${ms} ms`)), ms);
  try {
    await Promise.race([provider.requests[0]!.closed, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
