import { afterEach, describe, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import { AnswererKind, FinishReason } from "@quartet/contracts/type/v1/answer";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { type FakeBehaviour, type FakeProviderOptions, providerErrors, until } from "@quartet/testing";
import fc from "fast-check";
import { type Answer, ask, type ProviderService, startProviderService } from "../src/provider-services.ts";

/** What goes wrong with a model that was asked: it does not begin, breaks off, or says what it should not. */
let service: ProviderService;
const errors: unknown[] = [];
afterEach(async () => {
  await service.checkSecrets(errors.splice(0));
  await service.close();
});

const start = async (provider: FakeProviderOptions, environment: Record<string, string> = {}) =>
  (service = await startProviderService({ service: "generation", provider, environment }));
async function answer(options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {}): Promise<Answer> {
  const given = await ask(service, options);
  if (given.error !== undefined) errors.push(given.error);
  return given;
}
const openness = () => service.metric('quartet_hop_breaker_open{hop="generation.answers"}');
const billOf = ({ error }: Answer) => error?.findDetails(TokenUsageSchema)[0];

/** Ten such failures are enough for the breaker, and nothing less is. */
async function opensBreaker(): Promise<void> {
  expect(await openness()).toBe(0);
  await Promise.all(Array.from({ length: 10 }, () => answer()));
  expect(await openness()).toBe(1);
}

describe("a model that takes its time", () => {
  it("A7: is given up when it does not begin, and its socket closed", async () => {
    await start({ hang: true }, { QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "2s" });
    expect(await answer()).toMatchObject({ code: Code.Unavailable, reason: "LLM_TTFT", text: "" });
    const [request] = service.provider.requests;
    await request!.closed;
    expect(request!.leftEarly).toBe(true);
    expect(service.provider.requests).toHaveLength(1);
    await opensBreaker();
  });

  it("A7: has one time for its first token, whatever the number of attempts", async () => {
    await start({ hang: true }, { QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "2s" });
    const fails = { hang: false, error: providerErrors.server(500) };
    service.provider.next(fails, { ...fails, delayMs: 200 });
    expect(await answer()).toMatchObject({ reason: "LLM_TTFT", text: "" });
    expect(service.provider.requests).toHaveLength(3);
    await service.provider.requests[2]!.closed;
  });

  it("A7: is not blamed where its caller was in a hurry", async () => {
    await start({ hang: true });
    for (let calls = 0; calls < 2; calls++) {
      await Promise.all(Array.from({ length: 8 }, () => answer({ timeoutMs: 500 })));
    }
    expect(await openness()).toBe(0);
  });

  it("A8: may begin at the last moment", async () => {
    await start({ firstPieceMs: 5_400, answer: "롤로. [1]" }, { QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "6s" });
    const { text, end } = await answer();
    expect([text, end?.finishReason]).toEqual(["롤로. [1]", FinishReason.STOP]);
    expect(await openness()).toBe(0);
  });

  it("A9: is given up when it stops between tokens, and blamed although it had begun", async () => {
    const cut = { afterPieces: 2, by: "stall" } as const;
    await start({ answer: ["하나 ", "둘 ", "셋"], cut }, { QUARTET_GENERATION_STALL_TIMEOUT: "300ms" });
    const given = await answer();
    expect(given).toMatchObject({ code: Code.Unavailable, reason: "STREAM_STALLED" });
    expect(given.text).toMatch(/^하나/);
    expect(billOf(given)).toMatchObject({ callCount: 1, estimated: true });
    const [request] = service.provider.requests;
    await request!.closed;
    expect(request!.leftEarly).toBe(true);
    expect(service.provider.requests).toHaveLength(1);
    await opensBreaker();
  });
});

describe("a stream that breaks off after its first tokens", () => {
  it.each([
    ["A10", "end", "STREAM_TRUNCATED"],
    ["A10", "fin", "STREAM_TRUNCATED"],
    ["A11", "reset", "STREAM_TRUNCATED"],
    ["A12", "garbage", "LLM_PROTOCOL"],
    ["A13", "error", "LLM_UNAVAILABLE"],
  ] as const)("%s: by %s is never a whole answer, nor asked again", async (_fault, by, reason) => {
    await start({ answer: ["하나 ", "둘 ", "셋 ", "넷"], cut: { afterPieces: 3, by } });
    const given = await answer();
    expect(given).toMatchObject({ code: Code.Unavailable, reason, end: undefined });
    expect(given.text).toMatch(/^하나 둘/);
    expect(billOf(given)).toMatchObject({ callCount: 1, estimated: true });
    expect(service.provider.requests).toHaveLength(1);
    await opensBreaker();
  });

  it.each([
    ["A10", "end", "STREAM_TRUNCATED"],
    ["A11", "reset", "STREAM_TRUNCATED"],
    ["A13", "error", "LLM_UNAVAILABLE"],
  ] as const)("%s: by %s is asked again before its first token, three times at most", async (_fault, by, reason) => {
    await start({ cut: { afterPieces: 0, by } });
    expect(await answer()).toMatchObject({ code: Code.Unavailable, reason, text: "" });
    expect(service.provider.requests).toHaveLength(3);
    service.provider.set({ cut: undefined });
    service.provider.next({ cut: { afterPieces: 0, by } });
    expect((await answer()).end?.finishReason).toBe(FinishReason.STOP);
  });

  it("quotes sentences where none had come, and not where some had", async () => {
    await start({ cut: { afterPieces: 0, by: "end" } }, { QUARTET_GENERATION_FALLBACK: "extractive" });
    expect((await answer()).end?.answerer?.kind).toBe(AnswererKind.EXTRACTIVE);
    service.provider.set({ answer: ["하나 ", "둘 ", "셋"], cut: { afterPieces: 2, by: "end" } });
    expect(await answer()).toMatchObject({ reason: "STREAM_TRUNCATED", end: undefined });
  });
});

describe("a stream that is written in its own way", () => {
  const text = "서울의 인구는 940만 명이다 👩‍👩‍👧. 한강이 흐른다 é. [1]";

  it("A15: says the same, however it is written and cut", async () => {
    await start({});
    const behaviour = fc.record({
      writeBytes: fc.integer({ min: 1, max: 200 }),
      lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
      comments: fc.boolean(),
      lastBlankLine: fc.boolean(),
      answer: fc.uniqueArray(fc.nat({ max: [...text].length }), { maxLength: 12 }).map((cuts) => piecesOf(text, cuts)),
    });
    await fc.assert(
      fc.asyncProperty(behaviour, async (written) => {
        service.provider.set(written as FakeBehaviour);
        const given = await answer();
        expect([given.text, given.reason]).toEqual([text, undefined]);
      }),
      { numRuns: 25 },
    );
    // Enough of them for the breaker to open, had it taken any for a fault.
    expect(await openness()).toBe(0);
  });

  it("A15: shows what is no UTF-8 as such, and loses nothing else", async () => {
    await start({ answer: ["하나 ", "둘 [1]"], invalidUtf8: true });
    expect((await answer()).text).toBe("\uFFFD\uFFFD하나 둘 [1]");
  });

  it.each<[string, FakeBehaviour, FinishReason]>([
    ["too long", { finishReason: "length", answer: "반쪽" }, FinishReason.LENGTH],
    ["filtered", { finishReason: "content_filter", answer: "반쪽" }, FinishReason.CONTENT_FILTER],
    ["refused", { refusal: "그건 도울 수 없습니다." }, FinishReason.REFUSAL],
  ])("A16: says that it is not whole where it was %s", async (_why, behaviour, finishReason) => {
    await start(behaviour);
    const { end, text: given } = await answer();
    expect(end?.finishReason).toBe(finishReason);
    expect(given).not.toBe("");
    expect(await openness()).toBe(0);
  });
});

describe("a stream without end", () => {
  it("A17: is cut at the longest answer, and its socket closed", async () => {
    await start({ endless: true, answer: "가 " }, { QUARTET_GENERATION_MAX_CHARACTERS: "5000" });
    const { text, end } = await answer();
    expect([[...text].length, end?.finishReason]).toEqual([5_000, FinishReason.LENGTH]);
    await service.provider.requests[0]!.closed;
  });

  it("A17: is given up where nothing but bytes comes", async () => {
    await start({ endless: true, answer: [""] }, { QUARTET_GENERATION_MAX_CHARACTERS: "100" });
    expect(await answer()).toMatchObject({ code: Code.Unavailable, reason: "LLM_PROTOCOL" });
    await service.provider.requests[0]!.closed;
  });

  it("A17: takes no more memory than it may, however much is sent", async () => {
    // Ten megabytes of text in tokens of a kilobyte, ten answers at once: what is kept is what may be answered.
    await start({ endless: true, answer: "가".repeat(340) }, { QUARTET_GENERATION_MAX_CHARACTERS: "100000" });
    await answer();
    const before = process.memoryUsage().rss;
    const given = await Promise.all(Array.from({ length: 10 }, () => answer()));
    expect(new Set(given.map(({ end }) => end?.finishReason))).toEqual(new Set([FinishReason.LENGTH]));
    expect(process.memoryUsage().rss - before).toBeLessThan(250 * 1024 ** 2);
    await until(() => service.provider.requests.every(({ closedAt }) => closedAt !== undefined));
  });
});

/** Cut before these of its characters. */
function piecesOf(whole: string, cuts: readonly number[]): string[] {
  const characters = [...whole];
  const at = [0, ...[...cuts].sort((left, right) => left - right), characters.length];
  return at.slice(1).map((end, index) => characters.slice(at[index], end).join(""));
}
