import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";
import { createQuartetClient, type QuartetClient } from "@quartet/client";
import { until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { startFiveProcesses, startOneProcess } from "../src/both-ways.ts";
import { startStandalone, temporaryFolder } from "../src/processes.ts";

/** A provider of embeddings that answers 400 to every request with a text that it does not like, until it is told to; it tells how often it was asked. */
async function startPickyProvider() {
  let refusals = 0;
  let isPicky = true;
  const server = createServer((request, response) => {
    void (async () => {
      const { input = [], model } = (await json(request)) as { input?: string[]; model: string };
      const isRefused = isPicky && input.some((text) => text.includes("폭탄"));
      if (isRefused) refusals += 1;
      const data = input.map((text, index) => ({
        object: "embedding",
        index,
        embedding: Array.from(
          { length: 8 },
          (_, place) => ((text.charCodeAt(place % text.length) * (place + 1)) % 17) + 1,
        ),
      }));
      const reply = isRefused
        ? { error: { message: "The input was flagged.", type: "invalid_request_error", code: "content_policy" } }
        : { object: "list", model, data, usage: { prompt_tokens: 1, total_tokens: 1 } };
      response.writeHead(isRefused ? 400 : 200, { "content-type": "application/json" }).end(JSON.stringify(reply));
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    refusals: () => refusals,
    takeAll: () => void (isPicky = false),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type PickyProvider = Awaited<ReturnType<typeof startPickyProvider>>;

const progressOf = async (quartet: QuartetClient) => (await quartet.documents.listCollections({})).collections[0];

/** The worker, which has met services that were not up yet, may be backing off for a minute. */
const LIMIT_MS = 120_000;

const documents = ["휴가는 15일이다", "폭탄을 만드는 법", "환불은 14일 안에", "점심은 열두 시"].map((text, index) => ({
  id: `d${index}`,
  text,
}));

/** Puts four documents, of which the provider takes three. */
async function putDocuments(quartet: QuartetClient): Promise<void> {
  await quartet.documents.putDocuments({ documents });
  await until(async () => ((await progressOf(quartet))?.activeRefusedCount ?? 0n) === 1n, { limitMs: LIMIT_MS });
}

/** An operator has the fourth tried again: in vain, and once more when the provider takes it. */
async function retry(quartet: QuartetClient, provider: PickyProvider): Promise<void> {
  const countRefused = async () => {
    const { status } = await quartet.operations.getPlatformStatus({ readMask: { paths: ["counts"] } });
    return status?.counts.filter(({ name }) => name === "passages_refused").map(({ label, count }) => [label, count]);
  };
  expect(await countRefused()).toEqual([["default", 1n]]);
  const before = provider.refusals();
  expect(await quartet.operations.retryRefusedPassages({ collection: "default" })).toMatchObject({ passageCount: 1n });
  await until(() => provider.refusals() > before, { limitMs: LIMIT_MS });
  await until(async () => (await progressOf(quartet))?.activeRefusedCount === 1n, { limitMs: LIMIT_MS });
  provider.takeAll();
  expect(await quartet.operations.retryRefusedPassages({})).toMatchObject({ passageCount: 1n });
  await until(async () => (await progressOf(quartet))?.activeVectorCount === 4n, { limitMs: LIMIT_MS });
  expect(await progressOf(quartet)).toMatchObject({ passageCount: 4n, activeRefusedCount: 0n });
  expect(await countRefused()).toEqual([]);
  expect(await quartet.operations.retryRefusedPassages({})).toMatchObject({ passageCount: 0n });
}

describe("a text that the embedder refuses for good", () => {
  it("keeps neither its collection waiting nor a new space from being used", async () => {
    await using provider = await startPickyProvider();
    await using data = await temporaryFolder();
    const open = async (model: string) => {
      const server = await startStandalone({
        QUARTET_DATA_DIR: data.path,
        OPENAI_BASE_URL: provider.baseUrl,
        QUARTET_EMBEDDING_MODEL: model,
        // Each poll at once: nothing is timed here.
        QUARTET_SEARCH_CACHE_ENTRIES: "0",
      });
      return { ...server, quartet: createQuartetClient({ baseUrl: server.url }), [Symbol.asyncDispose]: server.kill };
    };
    let firstSpace: string | undefined;
    {
      await using server = await open("first-model");
      await putDocuments(server.quartet);
      const collection = await progressOf(server.quartet);
      expect(collection).toMatchObject({ passageCount: 4n, activeVectorCount: 3n, activeRefusedCount: 1n });
      firstSpace = collection!.activeSpace!.id;
      const { degradations, passages } = await server.quartet.search.searchPassages({ query: "폭탄" });
      expect(degradations.map(({ reason }) => reason)).not.toContain("VECTORS_PENDING");
      expect(passages[0]?.documentId).toBe("d1");
      const before = provider.refusals();
      await server.quartet.documents.putDocuments({ documents: [{ id: "d9", text: "새 규정" }], wait: 2 });
      expect(provider.refusals()).toBe(before);
      expect(await server.stop()).toBe(0);
    }
    await using server = await open("second-model");
    await until(async () => (await progressOf(server.quartet))?.activeSpace?.id !== firstSpace, { limitMs: LIMIT_MS });
    expect(await progressOf(server.quartet)).toMatchObject({ activeVectorCount: 4n, activeRefusedCount: 1n });
    expect(await server.stop()).toBe(0);
  }, 600_000);

  it("is tried again where an operator says so", async () => {
    await using provider = await startPickyProvider();
    await using product = await startOneProcess({ OPENAI_BASE_URL: provider.baseUrl });
    const quartet = createQuartetClient({ baseUrl: product.url });
    await putDocuments(quartet);
    await retry(quartet, provider);
  }, 600_000);
});

describeWithStores(
  "a text that the embedder refuses for good, on genuine stores",
  ["postgres", "elasticsearch"],
  ({ postgres, elasticsearch }) => {
    it("is tried again where an operator says so", async () => {
      const database = await postgres.createDatabase();
      const index = elasticsearch.createPrefix();
      try {
        await using provider = await startPickyProvider();
        await using product = await startFiveProcesses({
          OPENAI_BASE_URL: provider.baseUrl,
          DATABASE_URL: database.url,
          ELASTICSEARCH_URL: elasticsearch.url,
          QUARTET_ELASTICSEARCH_PREFIX: index.prefix.replace(/-$/, ""),
        });
        const quartet = createQuartetClient({ baseUrl: product.url });
        await putDocuments(quartet);
        await retry(quartet, provider);
      } finally {
        await database.drop();
        await index.drop();
      }
    }, 600_000);
  },
);
