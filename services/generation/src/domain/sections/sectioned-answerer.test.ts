import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Answerer, AnswerOptions, Citation, Passage } from "../answerer.ts";
import { AnswererError, type AnswererFailure } from "../answerer-error.ts";
import { createFallbackAnswerer } from "../fallback-answerer.ts";
import { createExtractiveAnswerer } from "../extractive-answerer.ts";
import type { SectionsEnd, WrittenSection } from "./outcomes.ts";
import {
  createSectionedAnswerer,
  type SectionedAnswererOptions,
  type SectionsEvent,
  type SectionsOptions,
} from "./sectioned-answerer.ts";

const text = "Rollo was the leader of the Normans. He swore fealty to King Charles III.";
const passage: Passage = {
  ...{ documentId: "n", title: "Normans", uri: "", text, score: 1, sources: [], documentVersion: 1n },
  parts: [{ text, span: { start: 0, end: text.length } }],
};
const citation = (number: number, highlights: Citation["highlights"] = []): Citation => {
  return { number, passage, text, span: { start: 0, end: text.length }, highlights };
};
const usage = { inputTokens: 10, outputTokens: 2, cachedInputTokens: 0, calls: 1, estimated: false };
const failure = (name: AnswererFailure, more: object = {}) => new AnswererError({ failure: name, usage, ...more });
const identity = { kind: "model", model: "m", promptVersion: "answer-1" } as const;

/** Some turns of the event loop. */
const pause = async (turns: number) => {
  for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
};

interface Script {
  readonly texts?: readonly string[];
  /** Before each text, and before the end. */
  readonly turns?: number;
  /** In place of the end. */
  readonly fails?: unknown;
  readonly cites?: readonly Citation[];
  /** No more of these sections are written at once; one more is told that no key is free. */
  readonly limit?: number;
}

/** A model that does for each section what stands in its script. */
function modelOf(scripts: Readonly<Record<string, Script>>) {
  let running = 0;
  const asked: (AnswerOptions & { name: string })[] = [];
  const answerer: Answerer = {
    async *answer(_question, _passages, options) {
      const { name } = options.section!;
      const { texts = [name], turns = 2, fails, cites = [], limit = Infinity } = scripts[name] ?? {};
      asked.push({ ...options, name });
      await pause(1);
      if (running >= limit) throw failure("LLM_RATE_LIMIT", { retryDelayMs: 700 });
      running += 1;
      try {
        for (const each of texts) {
          await pause(turns);
          options.signal.throwIfAborted();
          yield { kind: "text", text: each };
        }
        await pause(turns);
        if (fails !== undefined) throw fails;
      } finally {
        running -= 1;
      }
      yield { kind: "end", finishReason: "stop", citations: cites, answerer: identity, usage, degradations: [] };
    },
  };
  return { answerer, asked, names: () => asked.map(({ name }) => name) };
}

const names = ["summary", "symbols", "recommendations"];

async function write(
  scripts: Readonly<Record<string, Script>>,
  {
    sections = names,
    options = {},
    more = {},
  }: { sections?: string[]; options?: Partial<SectionsOptions>; more?: Partial<SectionedAnswererOptions> } = {},
) {
  const model = modelOf(scripts);
  const failed: string[] = [];
  const sectioned = createSectionedAnswerer({
    answerer: model.answerer,
    onFailed: (name) => failed.push(name),
    ...more,
  });
  const events: SectionsEvent[] = [];
  let error: unknown;
  try {
    const tasks = sections.map((name) => ({ name, instruction: "" }));
    const wanted = { signal: new AbortController().signal, ...options };
    for await (const event of sectioned.answer("Who led them?", [passage], tasks, wanted)) events.push(event);
  } catch (thrown) {
    error = thrown;
  }
  const over = events.flatMap((event) => (event.kind === "section" ? [event.section] : []));
  const byName: Record<string, WrittenSection> = Object.fromEntries(over.map((section) => [section.name, section]));
  const end = events.find((event): event is SectionsEnd => event.kind === "sections-end");
  return { ...model, events, error, byName, over: over.map(({ name }) => name), end, failed };
}

const reasons = (end: SectionsEnd | undefined) => end?.degradations.map(({ reason }) => reason);

describe("sections", () => {
  it("are written at once, each with its own end, then all with one", async () => {
    const { events, byName, end, asked } = await write({ summary: { texts: ["a ", "b"] }, symbols: { turns: 9 } });
    expect(events.at(-1)?.kind).toBe("sections-end");
    expect(byName["summary"]).toMatchObject({ text: "a b", outcome: { finishReason: "stop" }, usage });
    expect(byName["symbols"]?.text).toBe("symbols");
    expect(end).toMatchObject({
      answerer: identity,
      degradations: [],
      usage: { inputTokens: 30, outputTokens: 6, calls: 3 },
    });
    expect(asked.map(({ section }) => section)).toMatchObject(names.map((name) => ({ name, all: names, topic: "" })));
    expect(asked[0]!.section!.instruction).toContain("sentences");
  });

  it("give every text in order, one end each and nothing after it, whatever happens to any of them", async () => {
    const script = fc.record({
      texts: fc.array(fc.constantFrom("a", "b ", "가", "😀"), { maxLength: 5 }),
      turns: fc.nat({ max: 3 }),
      fails: fc.option(fc.constantFrom(failure("STREAM_TRUNCATED"), failure("LLM_AUTH"), new Error("defect")), {
        nil: undefined,
      }),
      limit: fc.constantFrom(1, 2, Infinity),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(script, { minLength: 1, maxLength: 8 }), async (scripts) => {
        const sections = scripts.map((_, index) => `section-${index}`);
        const byName = Object.fromEntries(scripts.map((each, index) => [sections[index]!, each]));
        const { events, over, end, error } = await write(byName, { sections });
        expect([...over].sort()).toEqual(sections);
        for (const [name, { texts, fails }] of Object.entries(byName)) {
          const own = events.filter(
            (event) =>
              (event.kind === "section-text" && event.section === name) ||
              (event.kind === "section" && event.section.name === name),
          );
          const said = own.flatMap((event) => (event.kind === "section-text" ? [event.text] : []));
          expect(said).toEqual(texts);
          const last = own.at(-1);
          expect(last).toMatchObject({ kind: "section", section: { text: texts.join("") } });
          expect(own.filter(({ kind }) => kind === "section")).toHaveLength(1);
          expect(last?.kind === "section" && "failure" in last.section.outcome).toBe(fails !== undefined);
        }
        const allFailed = scripts.every(({ fails }) => fails !== undefined);
        expect({ ends: end !== undefined, fails: error !== undefined }).toEqual({ ends: !allFailed, fails: allFailed });
        if (end) expect(events.at(-1)).toBe(end);
      }),
    );
  });

  it("stand where another fails, and the end names that one", async () => {
    const { byName, end, failed } = await write({
      symbols: { texts: ["half of"], fails: failure("STREAM_STALLED") },
      recommendations: { texts: [], fails: new Error("a defect with a secret") },
    });
    expect(byName["symbols"]).toMatchObject({ text: "half of", outcome: { failure: { failure: "STREAM_STALLED" } } });
    expect(end?.usage).toMatchObject({ calls: 2 });
    expect(end?.degradations).toMatchObject([
      { reason: "SECTION_FAILED", message: expect.stringMatching(/^Section symbols breaks off: /) },
      { reason: "SECTION_FAILED", message: expect.stringMatching(/^Section recommendations has no text: /) },
    ]);
    expect(JSON.stringify(end?.degradations)).not.toContain("secret");
    expect(failed.sort()).toEqual(["recommendations", "symbols"]);
  });

  it("fail with the most telling failure, and what all cost, when none stands", async () => {
    const { error, end } = await write({
      summary: { fails: failure("OUT_OF_TIME") },
      symbols: { texts: [], fails: failure("LLM_AUTH", { message: "In words of its own." }) },
      recommendations: { fails: failure("STREAM_TRUNCATED") },
    });
    expect(end).toBeUndefined();
    expect(error).toMatchObject({ failure: "LLM_AUTH", message: "In words of its own.", usage: { calls: 3 } });
  });

  it.each([1, 2])(
    "wait for each other where %i at once are all that keys allow, and the end says so",
    async (limit) => {
      const limited = Object.fromEntries(names.map((name) => [name, { limit, turns: 5 }]));
      const { over, end, asked, error } = await write(limited);
      expect(error).toBeUndefined();
      expect([...over].sort()).toEqual([...names].sort());
      expect(reasons(end)).toEqual(["SECTIONS_SERIALIZED"]);
      // Never more tries of one than there are sections, and only one that is alone may wait for a key.
      for (const name of names) expect(asked.filter((each) => each.name === name).length).toBeLessThanOrEqual(3);
      expect(asked.slice(0, 3).map(({ waitsForKey }) => waitsForKey)).toEqual([false, false, false]);
      // What refused tries cost is not lost.
      expect(end?.usage?.calls).toBe(asked.length);
    },
  );

  it("begin with one that waits for a key where all rest, and are at once again when it writes", async () => {
    let resting = true;
    const most = { now: 0, ever: 0 };
    const inner = modelOf({}).answerer;
    const model: Answerer = {
      async *answer(question, passages, options) {
        await pause(2);
        if (resting && options.waitsForKey !== true) throw new AnswererError({ failure: "LLM_RATE_LIMIT" });
        resting = false;
        most.ever = Math.max(most.ever, (most.now += 1));
        yield* inner.answer(question, passages, options);
        most.now -= 1;
      },
    };
    const { over, end } = await write({}, { more: { answerer: model } });
    expect(over).toHaveLength(3);
    expect(reasons(end)).toEqual([]);
    expect(most.ever).toBe(3);
  });

  it("fail one by one, without trying for ever, where no key comes back at all", async () => {
    const limited = Object.fromEntries(names.map((name) => [name, { limit: 0 }]));
    const { error, asked } = await write(limited);
    expect(error).toMatchObject({ failure: "LLM_RATE_LIMIT", retryDelayMs: 700 });
    expect(asked.length).toBeLessThanOrEqual(6);
  });

  it("do not try again once they have begun", async () => {
    const { byName, asked } = await write({ symbols: { texts: ["one"], fails: failure("LLM_RATE_LIMIT") } });
    expect(byName["symbols"]).toMatchObject({ text: "one", outcome: { failure: { failure: "LLM_RATE_LIMIT" } } });
    expect(asked).toHaveLength(3);
  });

  it("fall back one by one, after all tries", async () => {
    const fallen: string[] = [];
    const complete = (primary: Answerer) =>
      createFallbackAnswerer({
        primary,
        fallback: createExtractiveAnswerer(),
        onFallback: (error) => fallen.push(error.failure),
      });
    const scripts = { symbols: { texts: [], fails: failure("LLM_UNAVAILABLE") }, summary: { limit: 1 } };
    const { byName, end } = await write(scripts, { more: { complete } });
    expect(fallen).toEqual(["LLM_UNAVAILABLE"]);
    expect(byName["summary"]?.text).toBe("summary");
    expect(byName["symbols"]).toMatchObject({
      outcome: { finishReason: expect.stringMatching(/stop|no-answer/) },
      usage,
    });
    expect(end?.answerer).toEqual(identity);
    expect(end?.degradations.find(({ reason }) => reason === "EXTRACTIVE_FALLBACK")?.message).toMatch(
      /^Section symbols: No model answered/,
    );
  });

  it("have one list of citations, each passage once, marked where any of them rests on it", async () => {
    const [one, two] = [
      { start: 0, end: 36 },
      { start: 37, end: 73 },
    ];
    const { end } = await write({
      summary: { cites: [citation(3), citation(1, [two])] },
      symbols: { cites: [citation(1, [one]), citation(2)] },
      recommendations: { cites: [citation(1, [two])] },
    });
    expect(end?.citations.map(({ number, highlights }) => [number, highlights])).toEqual([
      [1, [one, two]],
      [2, []],
      [3, []],
    ]);
  });

  it("cite in a fragment too: its marks are shown, and lead somewhere", async () => {
    const { end } = await write({
      summary: { cites: [] },
      symbols: { texts: ["Rollo was the leader of the Normans. [1]", " He "], fails: failure("STREAM_STALLED") },
    });
    expect(end?.citations).toMatchObject([
      { number: 1, passage: { documentId: "n" }, highlights: [{ start: 0, end: 36 }] },
    ]);
  });

  it("share the deadline: one that waits for another to end gives up in time for that one to be told", async () => {
    const given = Promise.withResolvers<void>();
    const inner = modelOf({}).answerer;
    const model: Answerer = {
      async *answer(question, passages, options) {
        if (options.section!.name === "symbols") throw failure("LLM_RATE_LIMIT");
        await given.promise;
        yield* inner.answer(question, passages, options);
      },
    };
    const { byName, end } = await write(
      {},
      {
        sections: ["summary", "symbols"],
        options: { timeoutMs: 1_000 },
        more: { answerer: model, onFailed: () => given.resolve() },
      },
    );
    expect(byName["summary"]).toMatchObject({ text: "summary", outcome: { finishReason: "stop" } });
    expect(byName["symbols"]).toMatchObject({ outcome: { failure: { failure: "OUT_OF_TIME" } }, usage: { calls: 1 } });
    expect(reasons(end)).toEqual(["SECTIONS_SERIALIZED", "SECTION_FAILED"]);
  });

  it("share the deadline: one for which no time is left is not tried again", async () => {
    let clock = 0;
    const inner = modelOf({ symbols: { limit: 1 } }).answerer;
    const model: Answerer = {
      async *answer(question, passages, options) {
        clock = options.section!.name === "summary" ? clock : 9_990;
        yield* inner.answer(question, passages, options);
      },
    };
    const { byName, end } = await write(
      {},
      { sections: ["summary", "symbols"], options: { timeoutMs: 10_000 }, more: { answerer: model, now: () => clock } },
    );
    // What it was refused for before is not lost.
    expect(byName["symbols"]).toMatchObject({ outcome: { failure: { failure: "OUT_OF_TIME" } }, usage: { calls: 1 } });
    expect(reasons(end)).toEqual(["SECTION_FAILED"]);
  });

  it("end with the caller's reason when the caller leaves, whether they write or wait", async () => {
    const caller = new AbortController();
    const model = modelOf(Object.fromEntries(names.map((name) => [name, { texts: Array(50).fill("x"), limit: 1 }])));
    const sectioned = createSectionedAnswerer({ answerer: model.answerer });
    const tasks = names.map((name) => ({ name, instruction: "" }));
    const read = async () => {
      for await (const { kind } of sectioned.answer("q", [passage], tasks, { signal: caller.signal })) {
        if (kind === "section-text") caller.abort(new Error("left"));
      }
    };
    await expect(read()).rejects.toThrow("left");
    expect(model.asked).toHaveLength(3);
  });

  it("count each that is whole, in code points", async () => {
    const written: { name: string; characters: number; elapsedMs: number }[] = [];
    await write(
      { summary: { texts: ["한국😀"] }, symbols: { texts: [], fails: failure("LLM_PROTOCOL") } },
      { more: { onWritten: (each) => written.push(each) } },
    );
    expect(written.map(({ name, characters }) => [name, characters]).sort()).toEqual([
      ["recommendations", 15],
      ["summary", 3],
    ]);
  });

  it("take the caller's own words before those for the name, and those in the question's language", async () => {
    const model = modelOf({});
    const sectioned = createSectionedAnswerer({ answerer: model.answerer });
    const { signal } = new AbortController();
    const tasks = [
      { name: "summary", instruction: "" },
      { name: "symbols", instruction: "As a table." },
      { name: "risks", instruction: " " },
    ];
    for await (const _ of sectioned.answer("누가 이끌었나?", [passage], tasks, { signal }));
    const [summary, symbols, risks] = model.asked.map(({ section }) => section!);
    expect(summary?.instruction).toContain("요약하십시오");
    expect(symbols).toMatchObject({ instruction: "As a table.", topic: "As a table." });
    expect(risks).toMatchObject({ instruction: "risks", topic: "" });
  });
});
