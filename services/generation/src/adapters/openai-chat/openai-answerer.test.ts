import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { createKeyPool } from "@quartet/key-pool";
import { classify, createProviderClient, type ProviderClient } from "@quartet/provider";
import { type FakeBehaviour, type FakeProvider, providerErrors, startFakeProvider } from "@quartet/testing";
import type { AnswerEnd, Answerer, Passage } from "../../domain/answerer.ts";
import { AnswererError } from "../../domain/answerer-error.ts";
import { passageParts } from "../../domain/passage-parts.ts";
import { createPace } from "../pace.ts";
import { createChatClient } from "./chat-client.ts";
import { createOpenAiAnswerer, type OpenAiAnswererOptions } from "./openai-answerer.ts";

let provider: FakeProvider;
let clients: ProviderClient[] = [];
beforeEach(async () => {
  provider = await startFakeProvider();
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
  await provider.close();
});

function answererOf(options: Partial<OpenAiAnswererOptions> = {}, keys = ["sk-canary-1"]): Answerer {
  const { baseUrl } = provider;
  const client = createProviderClient({ baseUrl, connections: 8, maxReplyBytes: 400_000 });
  clients.push(client);
  const chat = createChatClient({ provider: client, baseUrl, model: "fake-model", maxOutputTokens: 100 });
  return createOpenAiAnswerer({
    chat,
    keys: createKeyPool({
      keys: keys.map((value, index) => ({ label: `key-${index + 1}`, value })),
      classify,
      baseMs: 5,
    }),
    pace: createPace({ maxRestMs: 50 }),
    model: "fake-model",
    maxOutputCharacters: 10_000,
    totalTimeoutMs: 10_000,
    firstTokenTimeoutMs: 5_000,
    stallTimeoutMs: 5_000,
    ...options,
  });
}

const passageOf = (text: string): Passage => ({
  documentId: `of ${text}`,
  title: "",
  uri: "",
  text,
  parts: passageParts(text, { start: 0, end: [...text].length }, [])!,
  score: 1,
  sources: [],
  documentVersion: 1n,
});
const passages = [
  passageOf("서울의 인구는 940만 명이다. 한강이 흐른다."),
  passageOf("Rollo led the Normans. He was a Viking."),
];

interface Outcome {
  readonly text: string;
  readonly pieces: readonly string[];
  readonly end: AnswerEnd | undefined;
  readonly error: unknown;
}

async function ask(
  answerer: Answerer,
  { signal = new AbortController().signal, timeoutMs = 10_000, question = "서울의 인구는?" } = {},
): Promise<Outcome> {
  const pieces: string[] = [];
  let end: AnswerEnd | undefined;
  let error: unknown;
  try {
    for await (const event of answerer.answer(question, passages, { signal, timeoutMs })) {
      if (event.kind === "text") pieces.push(event.text);
      else end = event;
    }
  } catch (thrown) {
    error = thrown;
  }
  return { text: pieces.join(""), pieces, end, error };
}

const failureOf = ({ error }: Outcome) => (error instanceof AnswererError ? error.failure : error);

describe("an answer of a model", () => {
  it("streams text piece by piece, and ends with citations and usage", async () => {
    provider.set({ answer: ["인구는 940만 명", "이다 [", "1]. ", "Rollo was a Viking", " [2][7]."], pieceMs: 2 });
    const { pieces, text, end } = await ask(answererOf());
    expect(text).toBe("인구는 940만 명이다 [1]. Rollo was a Viking [2].");
    expect(pieces.length).toBeGreaterThan(3);
    expect(end).toMatchObject({
      finishReason: "stop",
      answerer: { kind: "model", model: "fake-model", promptVersion: "answer-2" },
      degradations: [{ reason: "CITATION_DROPPED" }],
      citations: [
        { number: 1, text: passages[0]!.text, highlights: [{ start: 0, end: 17 }] },
        { number: 2, text: passages[1]!.text, highlights: [{ start: 23, end: 39 }] },
      ],
      usage: { calls: 1, estimated: false },
    });
    expect(end!.usage!.inputTokens).toBeGreaterThan(0);
  });

  it("leads to no host that no document is from, and says so", async () => {
    provider.set({
      answer: ["인구는 940만 명이다 [1]. ![", "x](http", "://evil.example/?q=940) [more](//evil", ".example)"],
    });
    const { pieces, text, end } = await ask(answererOf());
    expect(text).toBe("인구는 940만 명이다 [1]. x more");
    expect(pieces.some((piece) => piece.includes("evil"))).toBe(false);
    expect(end).toMatchObject({ degradations: [{ reason: "LINK_REMOVED" }], citations: [{ number: 1 }] });
  });

  it("asks with the passages as data, a limit and for usage", async () => {
    await ask(answererOf());
    const { body, key, path } = provider.requests[0]!;
    expect({ key, path }).toEqual({ key: "sk-canary-1", path: "/v1/chat/completions" });
    expect(body).toMatchObject({
      model: "fake-model",
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 100,
    });
    expect(body).not.toHaveProperty("temperature");
    const { messages } = body as { messages: { role: string; content: string }[] };
    expect(messages.map(({ role }) => role)).toEqual(["system", "user"]);
    expect(messages[1]!.content).toContain('<passage number="2">\nRollo led the Normans.');
  });

  it("turns the model's own way to say so into a polite no", async () => {
    provider.set({ answer: ["NO_", "ANSWER"] });
    const { text, end } = await ask(answererOf());
    expect(text).toBe("주어진 문서에서 이 질문에 대한 답을 찾지 못했습니다.");
    expect(end).toMatchObject({ finishReason: "no-answer", citations: [] });
  });

  it.each<[FakeBehaviour, string]>([
    [{ writeBytes: 1 }, "bytes alone"],
    [{ writeBytes: 7 }, "characters split"],
    [{ lineEnd: "\r\n" }, "CR LF"],
    [{ lineEnd: "\r\n", writeBytes: 3 }, "CR LF split"],
  ])("is the same however it is written: %j (%s)", async (behaviour) => {
    provider.set({ answer: "인구는 940만 명이다 👩‍👩‍👧 [1].", ...behaviour });
    expect((await ask(answererOf())).text).toBe("인구는 940만 명이다 👩‍👩‍👧 [1].");
  });

  it.each([
    ["length", "length"],
    ["content_filter", "content-filter"],
  ] as const)("says that it is not whole: %s", async (finishReason, expected) => {
    provider.set({ finishReason, answer: "half of it" });
    expect(await ask(answererOf())).toMatchObject({ text: "half of it", end: { finishReason: expected } });
  });

  it("is cut where it goes on and on, and closes the socket", async () => {
    provider.set({ endless: true, answer: "가 " });
    const { text, end } = await ask(answererOf({ maxOutputCharacters: 1_000 }));
    expect([...text]).toHaveLength(1_000);
    expect(end).toMatchObject({ finishReason: "length", usage: { estimated: true } });
    await provider.requests[0]!.closed;
  });

  it("is refused where its bytes go on and on without text", async () => {
    provider.set({ endless: true, answer: [""] });
    expect(failureOf(await ask(answererOf()))).toBe("LLM_PROTOCOL");
    await provider.requests[0]!.closed;
  });

  it("keeps its connection for the next one", async () => {
    const answerer = answererOf();
    await ask(answerer);
    await ask(answerer);
    expect(provider.requests.map(({ leftEarly }) => leftEarly)).toEqual([false, false]);
  });
});

describe("a provider that fails", () => {
  it.each<[string, FakeBehaviour]>([
    ["LLM_AUTH", { error: providerErrors.auth("sk-canary-1") }],
    ["LLM_QUOTA", { error: providerErrors.quota() }],
    ["LLM_RATE_LIMIT", { error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) }],
    ["LLM_UNAVAILABLE", { error: providerErrors.server(503) }],
    ["LLM_PROTOCOL", { error: providerErrors.notFound("no such model") }],
    ["LLM_PROTOCOL", { html: true }],
    ["LLM_PROTOCOL", { answer: [""] }],
    ["LLM_PROTOCOL", { cut: { afterPieces: 0, by: "garbage" } }],
    ["LLM_UNAVAILABLE", { cut: { afterPieces: 0, by: "error" } }],
    ["STREAM_TRUNCATED", { cut: { afterPieces: 0, by: "end" } }],
  ])("before the first token: %s %j", async (failure, behaviour) => {
    provider.set(behaviour);
    const outcome = await ask(answererOf());
    expect(failureOf(outcome)).toBe(failure);
    expect(outcome.text).toBe("");
    expect(provider.requests.length).toBeLessThanOrEqual(3);
    const { message, usage } = outcome.error as AnswererError;
    expect(message).not.toMatch(/canary|127\.0\.0\.1/);
    expect(usage!.calls).toBe(provider.requests.length);
  });

  it("says when the keys return", async () => {
    provider.set({ error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) });
    const { error } = await ask(answererOf());
    expect((error as AnswererError).retryDelayMs).toBeGreaterThan(29_000);
    expect((error as AnswererError).usage).toMatchObject({ inputTokens: 0, calls: 1 });
  });

  it.each<[string, FakeBehaviour["cut"]]>([
    ["STREAM_TRUNCATED", { afterPieces: 2, by: "end" }],
    ["STREAM_TRUNCATED", { afterPieces: 2, by: "fin" }],
    ["STREAM_TRUNCATED", { afterPieces: 2, by: "reset" }],
    ["LLM_UNAVAILABLE", { afterPieces: 2, by: "error" }],
    ["LLM_PROTOCOL", { afterPieces: 2, by: "garbage" }],
    ["STREAM_STALLED", { afterPieces: 2, by: "stall" }],
  ])("after the first token is not asked again: %s %j", async (failure, cut) => {
    provider.set({ answer: ["one ", "two ", "three "], cut: cut! });
    const outcome = await ask(answererOf({ stallTimeoutMs: 1_000 }, ["sk-canary-1", "sk-canary-2"]));
    expect(failureOf(outcome)).toBe(failure);
    expect(outcome.text).toMatch(/^one tw/);
    expect(provider.requests).toHaveLength(1);
    expect((outcome.error as AnswererError).usage).toMatchObject({ calls: 1, estimated: true });
    await provider.requests[0]!.closed;
  });

  it("is asked with another key where one is at its limit, out of quota or refused", async () => {
    const [limited, empty, wrong, good] = ["sk-a", "sk-b", "sk-c", "sk-d"];
    provider.next(
      { error: providerErrors.rateLimit({ retryAfterMs: 5_000 }) },
      { error: providerErrors.quota() },
      { error: providerErrors.auth(wrong!) },
    );
    const { end } = await ask(answererOf({}, [limited!, empty!, wrong!, good!]));
    expect(provider.requests.map(({ key }) => key)).toEqual([limited, empty, wrong, good]);
    expect(end).toMatchObject({ finishReason: "stop", usage: { calls: 4 } });
  });

  it("is not there at all", async () => {
    const answerer = answererOf();
    await provider.close();
    expect(failureOf(await ask(answerer))).toBe("LLM_UNAVAILABLE");
    provider = await startFakeProvider();
  });
});

describe("the clocks", () => {
  it("first token: gives up on a provider that takes the request and says nothing", async () => {
    provider.set({ hang: true });
    expect(failureOf(await ask(answererOf({ firstTokenTimeoutMs: 1_000 })))).toBe("LLM_TTFT");
    await provider.requests[0]!.closed;
    expect(provider.requests).toHaveLength(1);
  });

  it("first token: headers and an empty delta are none", async () => {
    provider.set({ firstPieceMs: 5_000 });
    expect(failureOf(await ask(answererOf({ firstTokenTimeoutMs: 1_000 })))).toBe("LLM_TTFT");
    await provider.requests[0]!.closed;
  });

  it("first token: waits just so long", async () => {
    provider.set({ firstPieceMs: 50 });
    expect((await ask(answererOf({ firstTokenTimeoutMs: 2_000 }))).end).toBeDefined();
  });

  it("total: ends an answer at the caller's deadline", async () => {
    provider.set({ endless: true, answer: "on ", pieceMs: 10 });
    const outcome = await ask(answererOf(), { timeoutMs: 300 });
    expect(failureOf(outcome)).toBe("OUT_OF_TIME");
    expect(outcome.text).toMatch(/^on /);
    await provider.requests[0]!.closed;
  });

  it("between tokens: does not run while nobody reads", async () => {
    provider.set({ answer: ["one ", "two ", "three"] });
    const read: string[] = [];
    const { signal } = new AbortController();
    for await (const event of answererOf({ stallTimeoutMs: 500 }).answer("q", passages, { signal })) {
      if (event.kind === "text") read.push(event.text);
      await new Promise((resolve) => setTimeout(resolve, 600));
    }
    expect(read.join("")).toBe("one two three");
  });
});

describe("a caller who leaves", () => {
  it.each<[string, FakeBehaviour]>([
    ["before the headers", { hang: true }],
    ["before the first token", { firstPieceMs: 5_000 }],
    ["while tokens come", { endless: true, answer: "on ", pieceMs: 5 }],
    ["while tokens are waited for", { answer: ["one ", "two "], pieceMs: 5_000 }],
  ])("closes the provider's socket: %s", async (_when, behaviour) => {
    provider.set(behaviour);
    const caller = new AbortController();
    const asked = ask(answererOf(), { signal: caller.signal });
    await provider.arrived(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const left = performance.now();
    caller.abort(new Error("left"));
    expect((await asked).error).toMatchObject({ message: "left" });
    await provider.requests[0]!.closed;
    expect(provider.requests[0]!.closedAt! - left).toBeLessThan(1_000);
    expect(provider.requests).toHaveLength(1);
  });

  it("closes it as well by no longer reading", async () => {
    provider.set({ endless: true, answer: "on ", pieceMs: 5 });
    const { signal } = new AbortController();
    for await (const _ of answererOf().answer("q", passages, { signal })) break;
    await provider.requests[0]!.closed;
  });
});
