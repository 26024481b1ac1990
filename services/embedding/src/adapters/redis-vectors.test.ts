import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { createContextValues } from "@connectrpc/connect";
import { EmbeddingPurpose, EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { createClient, createInMemoryTransport, principalKey } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import {
  createTcpProxy,
  type FakeProvider,
  providerErrors,
  startFakeProvider,
  type TestKeyPrefix,
  until,
} from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { createModule, parseConfig } from "../app.ts";
import { packVector } from "../domain/packed-vector.ts";
import { codecOf } from "./redis-vectors.ts";

describe("a vector as bytes", () => {
  it("comes back as it was, in memory of its own, and as nothing where it is another form", () => {
    const packed = packVector({ vector: Float32Array.of(0.6, -0.8), truncated: true }, "int8");
    const received = Buffer.concat([packed, Buffer.alloc(4_096)]).subarray(0, packed.byteLength);
    const decoded = codecOf("int8").decode(received);
    expect(decoded).toEqual(packed);
    expect(decoded?.buffer.byteLength).toBe(packed.byteLength);
    expect(codecOf("float32").decode(received)).toBeUndefined();
  });
});

describeWithStores("replicas of the embedding service", ["redis"], ({ redis: server }) => {
  let keys: TestKeyPrefix;
  let provider: FakeProvider;
  const closers: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    keys = server.createPrefix();
    provider = await startFakeProvider();
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    await keys.drop();
    await provider.close();
  });

  /** A process of the service, as far as it matters here. */
  function startReplica(environment: Record<string, string> = {}) {
    const lines: string[] = [];
    const log = createLogger({ service: "embedding", destination: { write: (line: string) => void lines.push(line) } });
    const metrics = createMetrics({ component: "embedding", processMetrics: false });
    const module = createModule(
      parseConfig({
        OPENAI_BASE_URL: provider.baseUrl,
        OPENAI_API_KEY_1: "sk-canary-1",
        OPENAI_API_KEY_2: "sk-canary-2",
        QUARTET_EMBEDDING_DIMENSIONS: "64",
        REDIS_URL: server.url,
        QUARTET_REDIS_KEY_PREFIX: keys.prefix,
        // Nothing is late unless the test says when: the machine may be busy.
        QUARTET_REDIS_TIMEOUT: "2s",
        ...environment,
      }),
      { log, metrics },
    );
    closers.push(async () => await module.stop?.());
    const client = createClient(EmbeddingService, createInMemoryTransport(module.routes));
    const embed = (
      texts: string[],
      { tenant = "default", purpose = EmbeddingPurpose.QUERY as EmbeddingPurpose } = {},
    ) =>
      client.embedTexts(
        { texts, purpose },
        { contextValues: createContextValues().set(principalKey, { tenant, roles: [] }) },
      );
    const figures = async () => (await module.figures!(new AbortController().signal)).caches![0]!;
    const invalidate = (keyPattern: string, tenant = "default") =>
      module.invalidateCache!({ tenant, level: "embeddings", keyPattern }, new AbortController().signal);
    const has = async (series: string) => (await metrics.exposition()).text.includes(series);
    return { embed, figures, invalidate, has, lines };
  }
  type Replica = ReturnType<typeof startReplica>;

  const isUp = async ({ has }: Replica) =>
    until(() => has('quartet_redis_up{client="embedding",component="embedding"} 1'));
  const stored = async ({ has }: Replica) =>
    until(() => has('shared_cache_writes_total{cache="embeddings",outcome="stored"'));
  const inputs = () => provider.requests.flatMap(({ body }) => (body as { input: string[] }).input);

  it("give each other what a model has made, to the bit", async () => {
    const [one, two] = [startReplica(), startReplica()];
    await Promise.all([isUp(one), isUp(two)]);
    const first = await one.embed(["연차는 며칠인가?", "b"]);
    await stored(one);
    await until(async () => (await two.embed(["b"])).embeddings[0]!.cached);
    const second = await two.embed(["연차는 며칠인가?".normalize("NFD"), "b", "c"]);
    expect(second.embeddings.map(({ cached }) => cached)).toEqual([true, true, false]);
    expect(second.embeddings.map(({ vector }) => vector).slice(0, 2)).toEqual(
      first.embeddings.map(({ vector }) => vector),
    );
    expect(inputs()).toEqual(["연차는 며칠인가?", "b", "c"]);
  });

  it("keep apart tenants, questions from passages, and how much of a text is read", async () => {
    const [one, two, brief] = [startReplica(), startReplica(), startReplica({ QUARTET_EMBEDDING_MAX_CHARACTERS: "5" })];
    await Promise.all([isUp(one), isUp(two), isUp(brief)]);
    await one.embed(["a"]);
    await stored(one);
    expect((await two.embed(["a"], { tenant: "other" })).embeddings[0]!.cached).toBe(false);
    expect((await two.embed(["a"], { purpose: EmbeddingPurpose.DOCUMENT })).embeddings[0]!.cached).toBe(false);
    expect((await two.embed(["a"])).embeddings[0]!.cached).toBe(true);
    expect((await brief.embed(["a"])).embeddings[0]!.cached).toBe(false);
    // The first level as well.
    expect((await two.embed(["a"], { tenant: "third" })).embeddings[0]!.cached).toBe(false);
  });

  it("do not meet where they keep vectors in different forms", async () => {
    const [bytes, floats] = [startReplica(), startReplica({ QUARTET_EMBEDDING_VECTORS: "float32" })];
    await Promise.all([isUp(bytes), isUp(floats)]);
    const [kept] = (await bytes.embed(["a"])).embeddings;
    await stored(bytes);
    const [fresh] = (await floats.embed(["a"])).embeddings;
    expect([kept!.vector?.encoding.case, fresh!.vector?.encoding.case]).toEqual(["int8", "float32"]);
    expect(fresh!.cached).toBe(false);
  });

  it("ask for a text once each, however many want it, when everything is wiped under load", async () => {
    const replicas = [startReplica({ QUARTET_EMBEDDING_CACHE_ENTRIES: "1" }), startReplica()];
    await Promise.all(replicas.map(isUp));
    provider.set({ delayMs: 50 });
    const ask = () => replicas.flatMap(({ embed }) => Array.from({ length: 20 }, () => embed(["hot"])));
    await Promise.all(ask());
    await replicas[0]!.embed(["pushes the other out of memory"]);
    await keys.drop();
    const before = inputs().filter((text) => text === "hot").length;
    await Promise.all(ask());
    const after = inputs().filter((text) => text === "hot").length;
    expect(before).toBeLessThanOrEqual(2);
    expect(after - before).toBeLessThanOrEqual(1);
  });

  it("answer as before where Redis is down at the start, hangs, is cut off, or holds something else", async () => {
    await using proxy = await createTcpProxy({ target: server.url });
    await proxy.set({ kind: "refuse" });
    const replica = startReplica({ REDIS_URL: proxy.url(server.url), QUARTET_REDIS_TIMEOUT: "50ms" });
    let asked = 0;
    const answersAnew = async () => {
      const { embeddings } = await replica.embed([`question ${(asked += 1)}`]);
      expect(embeddings).toMatchObject([{ cached: false }]);
    };
    await answersAnew();
    await proxy.set({ kind: "pass" });
    await isUp(replica);
    for (const fault of [{ kind: "hang" }, { kind: "cut", afterBytes: 3 }, { kind: "refuse" }] as const) {
      await proxy.set(fault);
      for (let count = 0; count < 10; count++) await answersAnew();
      await proxy.set({ kind: "pass" });
      await isUp(replica);
    }
    expect(inputs()).toHaveLength(asked);
    expect(replica.lines.join("")).not.toMatch(/canary|127\.0\.0\.1/);
  });

  it("tell how often they found what they were asked, and forget what a tenant selects, in memory and in Redis", async () => {
    const [one, two] = [startReplica(), startReplica()];
    await Promise.all([isUp(one), isUp(two)]);
    await one.embed(["a"]);
    await one.embed(["a"], { tenant: "other" });
    await stored(one);
    await until(async () => (await two.embed(["a"])).embeddings[0]!.cached);
    await two.embed(["a"]);
    expect(await one.figures()).toMatchObject({ level: "embeddings", hits: 0, misses: 2, entries: 2 });
    expect((await two.figures()).hits).toBeGreaterThanOrEqual(2);
    expect(await one.invalidate("*:document:*")).toBe(0);
    expect(await one.invalidate("*:query:*")).toBe(1);
    expect((await one.embed(["a"], { tenant: "other" })).embeddings[0]!.cached).toBe(true);
    expect((await one.embed(["a"])).embeddings[0]!.cached).toBe(false);
    expect((await two.embed(["a"])).embeddings[0]!.cached).toBe(true);
    expect(await two.invalidate("")).toBeGreaterThanOrEqual(1);
    expect(await two.figures()).toMatchObject({ entries: 0, invalidations: 1 });
  });

  it("let a key rest in all of them that one has found at its limit, and need no Redis for it to rest in one", async () => {
    const [one, two] = [startReplica(), startReplica()];
    await Promise.all([isUp(one), isUp(two)]);
    provider.set({
      keys: { "sk-canary-1": { error: providerErrors.rateLimit({ retryAfterMs: 60_000 }) }, "sk-canary-2": {} },
    });
    await one.embed(["a"]);
    for (const text of ["b", "c", "d"]) await two.embed([text]);
    const [first, ...others] = provider.requests.map(({ key }) => key);
    expect([first, others]).toEqual(["sk-canary-1", Array(4).fill("sk-canary-2")]);
  });
});
