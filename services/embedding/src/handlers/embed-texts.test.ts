import { createCache } from "@quartet/cache";
import { describe, expect, it } from "@jest/globals";
import { type Embedding, EmbeddingPurpose, EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { VectorEncoding } from "@quartet/contracts/type/v1/vector";
import { factsOf, reasonOf } from "@quartet/errors";
import { createClient, createGrpcTransport, createInMemoryTransport, createRpcServer } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { cosine, dequantizeInt8 } from "@quartet/vector";
import { createModule, parseConfig } from "../app.ts";
import { EmbedderError } from "../domain/embedder-error.ts";
import type { Embedder } from "../domain/embedder.ts";
import type { PackedVector } from "../domain/packed-vector.ts";
import { createTextEmbedding } from "../domain/text-embedding.ts";
import { createEmbedTexts } from "./embed-texts.ts";

const { routes } = createModule(parseConfig({}), {
  log: createLogger({ service: "embedding", level: "silent" }),
  metrics: createMetrics({ component: "embedding", processMetrics: false }),
});
const client = createClient(EmbeddingService, createInMemoryTransport(routes, { validate: true }));

const float32 = ({ vector }: Embedding) => {
  if (vector?.encoding.case !== "float32") throw new Error("not float32");
  return Float32Array.from(vector.encoding.value.values);
};

const vectorOf = ({ vector }: Embedding) => vector;

describe("EmbedTexts without a model", () => {
  it("gives vectors of the hashed space, in order and of length 1", async () => {
    const { space, embeddings, usage } = await client.embedTexts({
      texts: ["연차 휴가 신청", "annual leave", "휴가를 신청하다"],
      encoding: VectorEncoding.FLOAT32,
    });
    expect(space).toMatchObject({ dimensions: 2048, kind: 1, model: expect.stringContaining("ngram") });
    expect(space!.id).toMatch(/^[0-9a-f]{32}$/);
    expect(usage).toBeUndefined();
    const [first, second, third] = embeddings.map(float32);
    expect(first).toHaveLength(2048);
    expect(cosine(first!, first!)).toBeCloseTo(1, 5);
    expect(first!.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
    expect(cosine(first!, third!)).toBeGreaterThan(cosine(first!, second!) + 0.2);
  });

  it("tells the space alone where there are no texts", async () => {
    const { space, embeddings } = await client.embedTexts({});
    expect(space!.dimensions).toBe(2048);
    expect(embeddings).toEqual([]);
  });

  it("says what came from the cache, also for another normal form of the text", async () => {
    const text = "캐시에서 온 글";
    const flags = async (texts: string[]) =>
      (await client.embedTexts({ texts })).embeddings.map(({ cached }) => cached);
    expect(await flags([text, text])).toEqual([false, true]);
    expect(await flags([text.normalize("NFD"), "fresh"])).toEqual([true, false]);
  });

  it("sends one byte a component unless asked for more, and means the same by both", async () => {
    const texts = ["한글과 latin", "🙂"];
    const exact = (await client.embedTexts({ texts, encoding: VectorEncoding.FLOAT32 })).embeddings.map(float32);
    const { embeddings } = await client.embedTexts({ texts });
    expect((await client.embedTexts({ texts, encoding: VectorEncoding.INT8 })).embeddings.map(vectorOf)).toEqual(
      embeddings.map(vectorOf),
    );
    for (const [index, { vector }] of embeddings.entries()) {
      if (vector?.encoding.case !== "int8") throw new Error("not int8");
      const { values, scale } = vector.encoding.value;
      expect(scale).toBeGreaterThan(0);
      const read = dequantizeInt8({ bytes: new Int8Array(values), scale });
      for (const [at, component] of exact[index]!.entries()) {
        expect(read[at]).toBeCloseTo(component, 6);
      }
    }
  });

  it("makes the space that is named, and no other", async () => {
    const { space } = await client.embedTexts({});
    const { embeddings } = await client.embedTexts({ texts: ["a name"], spaceId: space!.id });
    expect(embeddings).toHaveLength(1);
    const error = await client
      .embedTexts({ texts: ["a name"], spaceId: "0".repeat(32) })
      .catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe("EMBEDDING_SPACE_MISMATCH");
  });

  it("refuses what the contract refuses", async () => {
    for (const request of [{ texts: [""] }, { texts: ["a\0b"] }, { texts: Array(257).fill("a") }, { spaceId: "X" }]) {
      const error = await client.embedTexts(request).catch((thrown: unknown) => thrown);
      expect(reasonOf(error)).toBe("FIELD_INVALID");
    }
  });

  it("lets others in between while it works on many long texts", async () => {
    const texts = Array.from(
      { length: 128 },
      (_, n) => `${n} ${"긴 글은 오래 걸린다. words take their time too. ".repeat(60)}`,
    );
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await client.embedTexts({ texts });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  it("answers the same over gRPC", async () => {
    const server = createRpcServer().mount(routes);
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    try {
      const request = {
        texts: ["전송 방식과 무관하다"],
        purpose: EmbeddingPurpose.QUERY,
        encoding: VectorEncoding.INT8,
      };
      const inMemory = await client.embedTexts(request);
      const overGrpc = await createClient(EmbeddingService, transport).embedTexts(request, { timeoutMs: 5_000 });
      expect(overGrpc.space).toEqual(inMemory.space);
      expect(overGrpc.embeddings[0]!.vector).toEqual(inMemory.embeddings[0]!.vector);
    } finally {
      transport.close();
      await server.drain({ limitMs: 1_000 });
    }
  });
});

describe("EmbedTexts of a provider that bills what cannot be", () => {
  it("gives the vectors all the same", async () => {
    const space = { id: "0".repeat(32), dimensions: 1, kind: "SEMANTIC", denseWeight: 0.3, cacheThreshold: 2 } as const;
    const usage = { inputTokens: Number.MAX_SAFE_INTEGER, calls: 1, estimated: false };
    const embedder: Embedder = {
      knownSpace: { ...space, model: "m" },
      space: () => Promise.reject(new Error("known")),
      embed: async () => ({ vectors: [{ vector: Float32Array.of(1), truncated: false }], usage }),
    };
    const cache = createCache<string, PackedVector>({ maxEntries: 1 });
    const embedTexts = createEmbedTexts(createTextEmbedding({ configured: embedder, others: [], cache, form: "int8" }));
    const server = createRpcServer().mount((add) => add(EmbeddingService, { embedTexts }));
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    try {
      const request = { texts: ["하나"], spaceId: space.id };
      const response = await createClient(EmbeddingService, transport).embedTexts(request, { timeoutMs: 20_000 });
      expect(response.usage).toMatchObject({ inputTokenCount: 2 ** 31 - 1, callCount: 1 });
    } finally {
      transport.close();
      await server.drain({ limitMs: 1_000 });
    }
  });
});

describe("EmbedTexts, when the embedder fails", () => {
  const failing = (
    reason: ConstructorParameters<typeof EmbedderError>[0],
    retryDelayMs?: number,
    refusesTexts = false,
  ) => {
    const fail = () => Promise.reject(new EmbedderError(reason, "What to do.", { retryDelayMs, refusesTexts }));
    const embedder: Embedder = { knownSpace: undefined, space: fail, embed: fail };
    const cache = createCache<string, PackedVector>({ maxEntries: 1 });
    const embedTexts = createEmbedTexts(createTextEmbedding({ configured: embedder, others: [], cache, form: "int8" }));
    return createClient(
      EmbeddingService,
      createInMemoryTransport((add) => add(EmbeddingService, { embedTexts })),
    );
  };

  it.each([true, false])("says whether it is about the texts: %s", async (refusesTexts) => {
    const error = await failing("LLM_UNAVAILABLE", undefined, refusesTexts)
      .embedTexts({ texts: ["x"] })
      .catch((thrown: unknown) => thrown);
    expect(factsOf(error)["refusesTexts"]).toBe(refusesTexts ? "true" : undefined);
  });

  it("does not say so of a vector that is none: the next one may be right, and a text is refused for good", async () => {
    const error = await failing("EMBED_SHAPE", undefined, true)
      .embedTexts({ texts: ["x"] })
      .catch((thrown: unknown) => thrown);
    expect(factsOf(error)["refusesTexts"]).toBeUndefined();
  });

  it.each([
    ["LLM_RATE_LIMIT", "resource_exhausted"],
    ["LLM_QUOTA", "resource_exhausted"],
    ["LLM_AUTH", "failed_precondition"],
    ["LLM_UNAVAILABLE", "unavailable"],
    ["LLM_PROTOCOL", "unavailable"],
    ["EMBED_SHAPE", "internal"],
  ] as const)("%s is %s, with its sentence", async (reason, code) => {
    const error = await failing(reason, 1_500)
      .embedTexts({ texts: ["x"] })
      .catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe(reason);
    expect(String(error)).toBe(`ConnectError: [${code}] What to do.`);
  });
});
