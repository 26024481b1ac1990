import { afterEach, describe, expect, it } from "@jest/globals";
import { Code, ConnectError } from "@connectrpc/connect";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import type { TokenUsage } from "@quartet/contracts/type/v1/usage";
import { reasonOf } from "@quartet/errors";
import { createClient } from "@quartet/rpc";
import { type FakeBehaviour, type FakeProviderOptions, providerErrors } from "@quartet/testing";
import { type ProviderService, startProviderService } from "../src/provider-services.ts";

/** The same faults where a chat is passed on, and where an answer is written in sections: several calls at once. */
let service: ProviderService;
const errors: unknown[] = [];
afterEach(async () => {
  await service.checkSecrets(errors.splice(0));
  await service.close();
});

const start = async (provider: FakeProviderOptions, environment: Record<string, string> = {}) =>
  (service = await startProviderService({ service: "generation", provider, environment }));
const client = () => createClient(GenerationService, service.transport);
const errorOf = (thrown: unknown) => {
  const error = ConnectError.from(thrown);
  errors.push(error);
  return { code: error.code, reason: reasonOf(error) };
};

describe.each([true, false])("a chat that is passed on, streamed: %s", (stream) => {
  const body = new TextEncoder().encode(
    JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "뭐?" }], stream }),
  );

  /** What came, and exactly one of an end and an error. */
  async function relay() {
    const chunks: string[] = [];
    let end: TokenUsage | undefined;
    try {
      if (stream) {
        for await (const { event } of client().streamRelayChat({ body })) {
          if (event.case === "chunk") chunks.push(new TextDecoder().decode(event.value));
          if (event.case === "end") end = event.value;
        }
      } else {
        const { json, usage } = await client().relayChat({ body });
        chunks.push(new TextDecoder().decode(json));
        end = usage;
      }
    } catch (thrown) {
      expect(end).toBeUndefined();
      return { chunks, end, ...errorOf(thrown) };
    }
    expect(end).toBeDefined();
    return { chunks, end, code: undefined, reason: undefined };
  }

  const short = {
    QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "2s",
    QUARTET_GENERATION_STALL_TIMEOUT: "500ms",
    QUARTET_GENERATION_TIMEOUT: "1s",
  };

  it.each<[string, FakeBehaviour, string]>([
    ["A6: server errors", { error: providerErrors.server(503) }, "LLM_UNAVAILABLE"],
    [
      "A10: cut",
      { cut: { afterPieces: 2, by: "fin" } },
      stream ? "STREAM_TRUNCATED" : "LLM_UNAVAILABLE|STREAM_TRUNCATED",
    ],
    [
      "A11: reset",
      { cut: { afterPieces: 2, by: "reset" } },
      stream ? "STREAM_TRUNCATED" : "LLM_UNAVAILABLE|STREAM_TRUNCATED",
    ],
    ["A12: garbage", { cut: { afterPieces: 2, by: "garbage" } }, "LLM_PROTOCOL"],
    ["A14: a page", { html: true }, "LLM_PROTOCOL"],
  ])("%s: is an error, and never a short reply", async (_fault, behaviour, reason) => {
    await start({ answer: ["하나 ", "둘 ", "셋"], ...behaviour });
    const given = await relay();
    expect(given.code).toBe(Code.Unavailable);
    expect(given.reason).toMatch(new RegExp(`^(${reason})$`));
    if (!stream) expect(given.chunks).toEqual([]);
    expect(service.provider.requests.length).toBeLessThanOrEqual(3);
  });

  it.each<[string, FakeBehaviour]>([
    ["A7: hangs", { hang: true }],
    ["A9: stalls", { cut: { afterPieces: 1, by: "stall" } }],
  ])("%s: is given up, and the socket closed", async (_fault, behaviour) => {
    await start({ answer: ["하나 ", "둘 ", "셋"], ...behaviour }, short);
    expect((await relay()).reason).toMatch(/^(LLM_TTFT|STREAM_STALLED|OUT_OF_TIME)$/);
    await service.provider.requests[0]!.closed;
    expect(service.provider.requests).toHaveLength(1);
  });

  it("A7: is the provider's fault where a stream does not begin, and nobody's where a whole reply takes long", async () => {
    const limits = { QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "300ms", QUARTET_GENERATION_TIMEOUT: "1s" };
    await start({ hang: true }, limits);
    const replies = await Promise.all(Array.from({ length: 10 }, relay));
    expect(replies.map(({ reason }) => reason)).toEqual(Array(10).fill(stream ? "LLM_TTFT" : "OUT_OF_TIME"));
    expect(await service.metric('quartet_hop_breaker_open{hop="generation.chats"}')).toBe(stream ? 1 : 0);
  });

  it("does not end answers where its own model alone fails", async () => {
    await start({});
    service.provider.set({ error: providerErrors.server(503) });
    await Promise.all(Array.from({ length: 10 }, relay));
    expect(await service.metric('quartet_hop_breaker_open{hop="generation.chats"}')).toBe(1);
    expect(await service.metric('quartet_hop_breaker_open{hop="generation.answers"}')).toBe(0);
  });
});

describe("an answer in sections", () => {
  const text = "롤로는 노르만족의 지도자였다.";
  const request = {
    question: "누가 지도자였나?",
    passages: [{ documentId: "n", title: "", text, endOffset: [...text].length, score: 1 }],
    sections: ["summary", "risks", "outlook"].map((name) => ({ name, instruction: "" })),
  };

  it.each<[string, FakeBehaviour, string]>([
    ["A7: one hangs", { hang: true }, "LLM_TTFT"],
    ["A9: one stalls", { cut: { afterPieces: 1, by: "stall" } }, "STREAM_STALLED"],
    ["A10: one is cut", { cut: { afterPieces: 2, by: "end" } }, "STREAM_TRUNCATED"],
  ])("%s: the others are whole, each by clocks of its own", async (_fault, behaviour, reason) => {
    const environment = { QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "3s", QUARTET_GENERATION_STALL_TIMEOUT: "1s" };
    await start({ answer: ["롤로가 ", "지도자였다 ", "[1]."], pieceMs: 50 }, environment);
    service.provider.next(behaviour);
    const ended: (string | undefined)[] = [];
    for await (const { event } of client().generateAnswer(request)) {
      if (event.case === "section") ended.push(event.value.failure?.reason);
    }
    expect(ended).toHaveLength(3);
    expect(ended.filter((failure) => failure !== undefined)).toEqual([reason]);
    expect(service.provider.requests).toHaveLength(3);
  });
});
