import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { createQuartetClient, type QuartetClient } from "@quartet/client";
import { AnswererKind } from "@quartet/contracts/type/v1/answer";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import { type FakeProvider, providerErrors, startFakeProvider } from "@quartet/testing";
import { type Running, startStandalone, temporaryFolder } from "../src/processes.ts";

const documents = [
  {
    id: "leave",
    title: "휴가 규정",
    text: "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다. 남은 휴가는 다음 해로 넘길 수 없습니다.",
  },
  {
    id: "refunds",
    title: "Refunds",
    text: "A refund takes 14 days. It is paid to the card that was charged. Shipping is not refunded.",
  },
];
const question = "How many days does a refund take?";

/** A call that reached the provider and ended with the client leaving. */
const leftEarly = (provider: FakeProvider) => provider.requests.filter((request) => request.leftEarly);

describe("answers written by a model", () => {
  let provider: FakeProvider;
  let data: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Running & { readonly url: string };
  let quartet: QuartetClient;

  beforeAll(async () => {
    provider = await startFakeProvider();
    data = await temporaryFolder();
    server = await startStandalone({
      QUARTET_DATA_DIR: data.path,
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_API_KEY: "sk-canary-1234567890",
      QUARTET_EMBEDDER: "hashed",
    });
    quartet = createQuartetClient({ baseUrl: server.url });
    await quartet.documents.putDocuments({ documents });
  }, 60_000);
  afterEach(() =>
    provider.set({
      pieceMs: undefined,
      firstPieceMs: undefined,
      error: undefined,
      answer: undefined,
      endless: undefined,
    }),
  );
  afterAll(async () => {
    await server?.stop();
    await provider?.close();
    await data?.[Symbol.asyncDispose]();
  });

  it("stream token by token, with citations, to one last event", async () => {
    provider.set({ answer: ["A refund ", "takes ", "14 days ", "[1]."], pieceMs: 250 });
    const deltas: number[] = [];
    let last;
    for await (const { event } of quartet.answers.streamAnswerQuestion({ answer: { question } })) {
      if (event.case === "textDelta") deltas.push(performance.now());
      last = event;
    }
    expect(deltas.length).toBeGreaterThanOrEqual(3);
    expect(deltas.at(-1)! - deltas[0]!).toBeGreaterThan(250);
    expect(last?.case).toBe("answer");
    if (last?.case !== "answer") return;
    expect(last.value.text).toBe("A refund takes 14 days [1].");
    expect(last.value.citations).toMatchObject([{ number: 1, documentId: "refunds" }]);
    expect(last.value.answerer?.kind).toBe(AnswererKind.MODEL);
  });

  it("close the provider's socket within a second of a client's cancel", async () => {
    provider.set({ endless: true, pieceMs: 20, answer: ["word "] });
    const before = leftEarly(provider).length;
    for await (const { event } of quartet.answers.streamAnswerQuestion({ answer: { question } })) {
      if (event.case === "textDelta") break;
    }
    const cancelled = performance.now();
    while (leftEarly(provider).length === before && performance.now() - cancelled < 5_000) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(performance.now() - cancelled).toBeLessThan(1_000);
  });

  it("fall back to quoted sentences when the provider fails, and say so without its key", async () => {
    provider.set({ error: providerErrors.server(503) });
    const answer = await quartet.answers.answerQuestion({ question });
    expect(answer.answerer?.kind).toBe(AnswererKind.EXTRACTIVE);
    expect(answer.text).toContain("14 days");
    expect(answer.degradations.map(({ reason }) => reason)).toContain("EXTRACTIVE_FALLBACK");
    expect(server.stderr() + server.stdout()).not.toContain("sk-canary");
  });
});

describe("a model that is connected after documents were indexed without one", () => {
  it("keeps answering while its space is built, then searches by its vectors", async () => {
    await using data = await temporaryFolder();
    const provider = await startFakeProvider({ dimensions: 96 });
    try {
      const before = await startStandalone({ QUARTET_DATA_DIR: data.path });
      const first = createQuartetClient({ baseUrl: before.url });
      await first.documents.putDocuments({ documents, wait: 2 });
      expect((await first.documents.listCollections({})).collections[0]?.activeSpace?.kind).toBe(
        EmbeddingSpaceKind.HASHED,
      );
      expect(await before.stop()).toBe(0);

      provider.set({ delayMs: 300 });
      const after = await startStandalone({
        QUARTET_DATA_DIR: data.path,
        OPENAI_BASE_URL: provider.baseUrl,
        QUARTET_EMBEDDING_MODEL: "fake-model",
        QUARTET_ANSWERER: "extractive",
      });
      const second = createQuartetClient({ baseUrl: after.url });
      const meanwhile = await second.search.searchPassages({ query: "연차 휴가는 며칠입니까?" });
      expect(meanwhile.passages[0]?.documentId).toBe("leave");

      const end = Date.now() + 20_000;
      const activeKind = async () => (await second.documents.listCollections({})).collections[0]?.activeSpace?.kind;
      while ((await activeKind()) !== EmbeddingSpaceKind.SEMANTIC && Date.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(await activeKind()).toBe(EmbeddingSpaceKind.SEMANTIC);
      const vectors = await second.search.searchPassages({ query: "refund days", options: { fusion: 4 } });
      expect(vectors.degradations).toEqual([]);
      expect(vectors.passages.length).toBe(2);
      expect(await after.stop()).toBe(0);
    } finally {
      await provider.close();
    }
  }, 60_000);
});
