import { afterEach, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import { type FakeBehaviour, type FakeProviderOptions, until } from "@quartet/testing";
import { type Embedded, embed, type ProviderService, startProviderService } from "../src/provider-services.ts";

/** What goes wrong with replies that are not streamed, and what of it reaches the cache: nothing. */
let service: ProviderService;
const errors: unknown[] = [];
afterEach(async () => {
  await service.checkSecrets(errors.splice(0));
  await service.close();
});

const start = async (provider: FakeProviderOptions, environment: Record<string, string> = {}) =>
  (service = await startProviderService({ service: "embedding", provider, environment }));
async function vectors(texts: string[]): Promise<Embedded> {
  const given = await embed(service, texts);
  if (given.error !== undefined) errors.push(given.error);
  return given;
}
/** The provider is well again, and asked anew for what it gave a wrong reply for. */
async function isAskedAnew(texts: string[]): Promise<void> {
  service.provider.set({ vectors: undefined, cut: undefined, endless: undefined, hang: undefined });
  const { response } = await vectors(texts);
  expect(response!.embeddings.map(({ cached }) => cached)).toEqual(texts.map(() => false));
}

it.each(["fewer", "shorter", "not-finite"] as const)(
  "A18: refuses %s vectors, and keeps none of them",
  async (wrong) => {
    await start({ vectors: wrong });
    expect(await vectors(["하나", "둘"])).toMatchObject({ code: Code.Internal, reason: "EMBED_SHAPE" });
    expect(service.provider.requests).toHaveLength(1);
    await isAskedAnew(["하나", "둘"]);
  },
);

it("A18: takes vectors in any order, by their index", async () => {
  await start({});
  const inOrder = await vectors(["하나", "둘", "셋"]);
  await service.close();
  await start({ vectors: "reordered" });
  const reordered = await vectors(["하나", "둘", "셋"]);
  expect(reordered.response!.embeddings).toEqual(inOrder.response!.embeddings);
});

it("A18: refuses vectors of another length than was asked for", async () => {
  await start({ dimensions: 32 }, { QUARTET_EMBEDDING_DIMENSIONS: "" });
  expect((await vectors(["하나"])).response!.space!.dimensions).toBe(32);
  service.provider.set({ dimensions: 33 });
  expect(await vectors(["둘"])).toMatchObject({ code: Code.Internal, reason: "EMBED_SHAPE" });
});

it.each<[string, FakeBehaviour, string, number]>([
  ["A7: takes the request and never answers", { hang: true }, "LLM_UNAVAILABLE", 1],
  ["A9: stops in the middle", { cut: { afterPieces: 0, by: "stall" } }, "LLM_UNAVAILABLE", 1],
  ["A10: closes in the middle", { cut: { afterPieces: 0, by: "fin" } }, "LLM_UNAVAILABLE", 3],
  ["A11: resets in the middle", { cut: { afterPieces: 0, by: "reset" } }, "LLM_UNAVAILABLE", 3],
  ["A12: sends JSON that is none", { cut: { afterPieces: 0, by: "garbage" } }, "LLM_PROTOCOL", 1],
])("%s", async (_fault, behaviour, reason, hits) => {
  await start(behaviour, { QUARTET_EMBEDDING_TIMEOUT: hits === 1 ? "1s" : "20s" });
  expect(await vectors(["하나"])).toMatchObject({ code: Code.Unavailable, reason });
  expect(service.provider.requests).toHaveLength(hits);
  await until(() => service.provider.requests.every(({ closedAt }) => closedAt !== undefined));
  await isAskedAnew(["하나"]);
});

it("A17: gives up a reply without end, and keeps no more of it than it may", async () => {
  await start({ endless: true });
  const before = process.memoryUsage().rss;
  expect(await vectors(["하나"])).toMatchObject({ code: Code.Unavailable, reason: "LLM_PROTOCOL" });
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 ** 2);
  await service.provider.requests[0]!.closed;
  await isAskedAnew(["하나"]);
});
