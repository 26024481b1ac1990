import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Answerer, AnswerEvent, AnswerOptions, Passage, Section, Usage } from "./answerer.ts";
import { AnswererError } from "./answerer-error.ts";
import { createSharedAnswerer } from "./shared-answerer.ts";

interface Asked {
  readonly question: string;
  readonly signal: AbortSignal;
  say(text: string): void;
  end(): void;
  fail(error: unknown): void;
}

const cost: Usage = { inputTokens: 10, outputTokens: 2, cachedInputTokens: 0, calls: 1, estimated: false };
const end: AnswerEvent = {
  kind: "end",
  finishReason: "stop",
  citations: [],
  answerer: { kind: "extractive" },
  usage: cost,
  degradations: [],
};

/** A model that says what the test lets it say, as long as somebody listens. */
function model() {
  const asked: Asked[] = [];
  const answerer: Answerer = {
    async *answer(question, _passages, { signal }) {
      const steps: (AnswerEvent | { readonly error: unknown })[] = [];
      let wake = Promise.withResolvers<void>();
      const push = (step: (typeof steps)[number]) => {
        steps.push(step);
        wake.resolve();
      };
      signal.addEventListener("abort", () => push({ error: signal.reason as unknown }));
      asked.push({
        question,
        signal,
        say: (text) => push({ kind: "text", text }),
        end: () => push(end),
        fail: (error) => push({ error }),
      });
      for (;;) {
        await wake.promise;
        for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
          if ("error" in step) throw step.error;
          yield step;
          if (step.kind === "end") return;
        }
        wake = Promise.withResolvers();
      }
    },
  };
  return { answerer, asked };
}

const passage = (text: string): Passage => ({
  documentId: "d",
  title: "",
  uri: "",
  text,
  parts: [{ text, span: { start: 0, end: text.length } }],
  score: 1,
  sources: ["corpus"],
  documentVersion: 3n,
});
const { signal } = new AbortController();
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** What one caller has got so far, and how it ended. */
function follow(answerer: Answerer, options: Partial<AnswerOptions> = {}, question = "q", text = "p") {
  const got = { text: "", usage: undefined as Usage | undefined, error: undefined as unknown, over: false };
  const read = async () => {
    try {
      for await (const event of answerer.answer(question, [passage(text)], { tenant: "one", signal, ...options })) {
        if (event.kind === "text") got.text += event.text;
        else got.usage = event.usage;
      }
    } catch (error) {
      got.error = error;
    }
    got.over = true;
  };
  return Object.assign(got, { done: read() });
}

describe("equal requests at the same time", () => {
  it("are one call, and whoever comes later gets it from its beginning", async () => {
    const onShared = jest.fn();
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one, onShared });
    const first = follow(answerer);
    await settle();
    asked[0]!.say("하나 ");
    await settle();
    const second = follow(answerer);
    await settle();
    expect([first.text, second.text]).toEqual(["하나 ", "하나 "]);
    asked[0]!.say("둘");
    asked[0]!.end();
    await Promise.all([first.done, second.done]);
    expect([first.text, second.text]).toEqual(["하나 둘", "하나 둘"]);
    expect(asked).toHaveLength(1);
    expect(onShared).toHaveBeenCalledTimes(1);
  });

  it("tell once what it cost", async () => {
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one });
    const all = [follow(answerer), follow(answerer), follow(answerer)];
    await settle();
    asked[0]!.end();
    await Promise.all(all.map(({ done }) => done));
    expect(all.reduce((sum, { usage }) => sum + usage!.calls, 0)).toBe(1);
    expect(all.reduce((sum, { usage }) => sum + usage!.inputTokens, 0)).toBe(10);
  });

  it("are asked anew once it has ended: nothing is kept", async () => {
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one });
    const first = follow(answerer);
    await settle();
    asked[0]!.end();
    await first.done;
    void follow(answerer);
    await settle();
    expect(asked).toHaveLength(2);
  });

  it.each<[string, Partial<AnswerOptions>, string?, string?]>([
    ["another tenant's", { tenant: "two" }],
    ["no tenant's", { tenant: undefined }],
    ["another question", {}, "another"],
    ["other passages", {}, "q", "other"],
    ["another temperature", { temperature: 1 }],
    ["another section", { section: { name: "a", instruction: "b", topic: "", all: ["a"] } as Section }],
    ["retrieval off", { retrievalDisabled: true }],
  ])("are not: %s", async (_what, options, question = "q", text = "p") => {
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one });
    void follow(answerer);
    void follow(answerer, options, question, text);
    await settle();
    expect(asked).toHaveLength(2);
  });
});

describe("one who leaves", () => {
  it("takes nothing from the others, and the last one ends the call", async () => {
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one });
    const callers = [new AbortController(), new AbortController()] as const;
    const [first, second] = callers.map(({ signal }) => follow(answerer, { signal }));
    await settle();
    callers[0].abort(new Error("left"));
    await first!.done;
    expect(first!.error).toMatchObject({ message: "left" });
    expect(asked[0]!.signal.aborted).toBe(false);
    asked[0]!.say("on");
    await settle();
    expect(second!.text).toBe("on");
    callers[1].abort(new Error("too"));
    await second!.done;
    expect(asked[0]!.signal.aborted).toBe(true);
    void follow(answerer);
    await settle();
    expect(asked).toHaveLength(2);
  });

  it("by not reading on is one as well", async () => {
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one });
    const iterator = answerer.answer("q", [], { tenant: "one", signal })[Symbol.asyncIterator]();
    const reading = iterator.next();
    await settle();
    asked[0]!.say("x");
    await reading;
    await iterator.return?.();
    expect(asked[0]!.signal.aborted).toBe(true);
  });
});

it("a failure is everybody's, and its cost is told once", async () => {
  const { answerer: one, asked } = model();
  const answerer = createSharedAnswerer({ answerer: one });
  const all = [follow(answerer), follow(answerer)];
  await settle();
  asked[0]!.fail(new AnswererError({ failure: "STREAM_STALLED", usage: cost }));
  await Promise.all(all.map(({ done }) => done));
  const errors = all.map(({ error }) => error as AnswererError);
  expect(errors.map(({ failure }) => failure)).toEqual(["STREAM_STALLED", "STREAM_STALLED"]);
  expect(errors.reduce((sum, { usage }) => sum + usage!.calls, 0)).toBe(1);
});

describe("deadlines", () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ["setImmediate", "queueMicrotask", "nextTick"] }));
  afterEach(() => void jest.useRealTimers());

  it("are each caller's own", async () => {
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one });
    const [patient, silent, hurried] = [
      follow(answerer, { timeoutMs: 10_000 }),
      follow(answerer, { timeoutMs: 1_000 }),
      follow(answerer, { timeoutMs: 2_000 }),
    ];
    await settle();
    jest.advanceTimersByTime(999);
    await silent!.done;
    expect(silent!.error).toMatchObject({ failure: "LLM_TTFT" });
    asked[0]!.say("late");
    await settle();
    jest.advanceTimersByTime(1_000);
    await hurried!.done;
    expect(hurried!.error).toMatchObject({ failure: "OUT_OF_TIME" });
    expect([hurried!.text, patient!.over]).toEqual(["late", false]);
    asked[0]!.end();
    await patient!.done;
    expect(jest.getTimerCount()).toBe(0);
  });

  it("that are later than the answer's are no reason to end early: such a caller asks for itself", async () => {
    const { answerer: one, asked } = model();
    const answerer = createSharedAnswerer({ answerer: one });
    void follow(answerer, { timeoutMs: 10_000 });
    void follow(answerer, { timeoutMs: 12_000 });
    await settle();
    expect(asked).toHaveLength(1);
    void follow(answerer, { timeoutMs: 30_000 });
    void follow(answerer, { timeoutMs: 30_000 });
    await settle();
    expect(asked).toHaveLength(2);
  });
});
