import { Code } from "@connectrpc/connect";
import { quartetError, reasonOf, type Reason } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { type Answer, type AnswerEvent, answerQuestion, type Question } from "./answer.ts";
import { createBudget } from "./budget.ts";
import type { Passage } from "./passage.ts";
import { createPlans } from "./plans.ts";
import type { AnswerPorts, Carried, GenerationEvent } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { type Run, startRun } from "./stages.ts";

const plans = createPlans({
  embedTimeoutMs: 3_000,
  searchTimeoutMs: 5_000,
  compressTimeoutMs: 2_000,
  generateTimeoutMs: 120_000,
});

const passage = (documentId: string, text: string): Passage => ({
  documentId,
  ordinal: 0,
  title: documentId,
  text,
  score: 0.5,
  uri: "",
  documentVersion: 1n,
  startOffset: 10,
  endOffset: 10 + [...text].length,
  keptSpans: [],
  hits: [{ source: "corpus" }],
});

const found = [passage("휴가", "연차 휴가는 15일입니다."), passage("환불", "환불은 14일 걸립니다.")];

const question: Question<Carried> = {
  question: "휴가는 며칠입니까?",
  retrieval: { query: "휴가는 며칠입니까?", pageSize: 10, options: undefined, keywordsOnly: false },
  maxContextCharCount: 1_000,
  compression: undefined,
  sections: [],
  modelOptions: undefined,
};

const end: GenerationEvent<Carried> = {
  type: "end",
  citations: [{ number: 1, startOffset: 0, endOffset: 0, highlights: [] }],
  degradations: [],
  answerer: undefined,
  finishReason: undefined,
  usage: undefined,
};

const fails = (reason: Reason) => quartetError({ code: Code.Unavailable, reason, message: "It failed." });

interface Takes {
  embed?: number;
  search?: number;
  compress?: number;
  firstWord?: number;
}

/** Ports that take as long as a test says, on a clock of its own, and no longer than they are granted. */
function setUp({ totalMs = 30_000, takes = {} as Takes, ports: other = {} as Partial<AnswerPorts<Carried>> } = {}) {
  const clock = { now: 0 };
  const called: string[] = [];
  const grants: Record<string, number> = {};
  const left = new AbortController();
  const take = (stage: string, ms: number, timeoutMs: number) => {
    called.push(stage);
    grants[stage] = timeoutMs;
    clock.now += Math.min(ms, timeoutMs);
    if (ms > timeoutMs) throw fails("OUT_OF_TIME");
  };
  const standard: AnswerPorts<Carried> = {
    async embed(_question, _options, { timeoutMs }) {
      take("embed", takes.embed ?? 0, timeoutMs);
      return { vector: [1], spaceId: "a", cached: true, usage: undefined };
    },
    async search({ vector }, { timeoutMs }) {
      take(vector === undefined ? "search by keywords" : "search", takes.search ?? 0, timeoutMs);
      return {
        passages: found,
        failures: [],
        legs: [],
        sources: [],
        collections: [],
        cached: false,
        nextPageToken: "",
      };
    },
    async compress({ passages }, { timeoutMs }) {
      take("compress", takes.compress ?? 0, timeoutMs);
      return passages;
    },
    shorten: (whole, text, keptSpans) => ({ ...whole, text, keptSpans, hits: [] }),
    async *generate(_, { timeoutMs }) {
      take("generate", takes.firstWord ?? 0, timeoutMs);
      yield { type: "text", section: "", text: "15일 " };
      yield { type: "text", section: "", text: "[1]" };
      yield end;
    },
  };
  const ports = { ...standard, ...other };
  const run: Run = startRun(
    createBudget(plans.answer, totalMs, () => clock.now),
    { signal: left.signal, origin: undefined, leftOut: () => undefined },
  );
  return { ports, run, clock, called, grants, left };
}

async function read(events: AsyncIterable<AnswerEvent<Carried>>) {
  const types: string[] = [];
  let answer: Answer<Carried> | undefined;
  for await (const event of events) {
    types.push(event.type === "stage" ? `${event.timing.stage} ${event.timing.status}` : event.type);
    if (event.type === "answer") answer = event.answer;
  }
  return { types, answer: answer! };
}

describe("one answer", () => {
  it("tells its stages as they end, its possible citations before its first word, and its answer last", async () => {
    const { ports, run } = setUp({ takes: { embed: 5, search: 20, compress: 5, firstWord: 300 } });
    const { types, answer } = await read(answerQuestion(question, run, ports));
    expect(types).toEqual([
      ...["embed CACHED", "search OK", "compress OK", "citation", "citation"],
      ...["text", "text", "generate OK", "answer"],
    ]);
    expect(answer).toMatchObject({ text: "15일 [1]", degradations: [], timings: { firstTokenMs: 330, totalMs: 330 } });
    expect(answer.citations.map(({ number, documentId, sources }) => [number, documentId, sources])).toEqual([
      [1, "휴가", ["corpus"]],
    ]);
    expect(answer.timings.stages.map(({ startDelayMs, elapsedMs }) => [startDelayMs, elapsedMs])).toEqual([
      [0, 5],
      [5, 20],
      [25, 5],
      [30, 300],
    ]);
  });

  it("gives its sections in the order asked for, whichever is over first", async () => {
    const generate = async function* (): AsyncGenerator<GenerationEvent<Carried>> {
      yield { type: "text", section: "risks", text: "위험 [1]" };
      yield { type: "section", section: { name: "risks" } };
      yield { type: "text", section: "summary", text: "요약" };
      yield { type: "section", section: { name: "summary" } };
      yield end;
    };
    const { ports, run } = setUp({ ports: { generate } });
    const sections = [{ name: "summary" }, { name: "risks" }];
    const { types, answer } = await read(answerQuestion({ ...question, sections }, run, ports));
    expect(types.slice(5)).toEqual(["text", "section", "text", "section", "generate OK", "answer"]);
    expect(answer).toMatchObject({ text: "", sections, citations: [{ number: 1 }] });
  });

  it("is none where a section that was asked for is missing at the end", async () => {
    const { ports, run } = setUp();
    const asked = { ...question, sections: [{ name: "summary" }] };
    await expect(read(answerQuestion(asked, run, ports))).rejects.toMatchObject({ reason: "STREAM_TRUNCATED" });
  });

  it("goes on with keywords when the question has no vector in time, and leaves the rest its time", async () => {
    const { ports, run, called, grants } = setUp({ totalMs: 4_000, takes: { embed: 60_000 } });
    const { types, answer } = await read(answerQuestion(question, run, ports));
    expect(called).toEqual(["embed", "search by keywords", "compress", "generate"]);
    expect(types[0]).toBe("embed SKIPPED");
    expect(answer.degradations.map(({ hop, reason }) => [hop, reason])).toEqual([["embedding", "OUT_OF_TIME"]]);
    expect(grants["embed"]).toBe(4_000 - 20 - 200 - 1_000);
    expect(grants["generate"]).toBeGreaterThanOrEqual(1_000);
  });

  it("leaves an optional stage out, unasked, for which there is no time", async () => {
    const { ports, run, called } = setUp({ totalMs: 200 });
    const { answer } = await read(answerQuestion(question, run, ports));
    expect(called).toEqual(["search by keywords", "generate"]);
    expect(answer.degradations.map(({ reason }) => reason)).toEqual(["OUT_OF_TIME", "PLAIN_CUT"]);
    expect(answer.timings.stages.map(({ stage, status }) => `${stage} ${status}`)).toEqual([
      ...["embed SKIPPED", "search OK", "compress SKIPPED", "generate OK"],
    ]);
  });

  it("is refused before generation is asked, when those before it have used up its time all the same", async () => {
    const { ports, run, called, clock } = setUp({ totalMs: 1_000 });
    const late: AnswerPorts<Carried> = {
      ...ports,
      search: async (query, call) => {
        const result = await ports.search(query, call);
        clock.now = 950;
        return result;
      },
    };
    const failure = await read(answerQuestion(question, run, late)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Refusal);
    expect(failure).toMatchObject({ reason: "OUT_OF_TIME" });
    expect(called).not.toContain("generate");
  });

  it("cuts plainly between graphemes when compression fails, and marks what it kept", async () => {
    const text = "가족👨‍👩‍👧은 휴가";
    const { ports, run } = setUp({
      ports: {
        search: async () => ({
          passages: [passage("d", text)],
          failures: [],
          legs: [],
          sources: [],
          collections: [],
          cached: false,
          nextPageToken: "",
        }),
        compress: async () => {
          throw fails("UPSTREAM_LOST");
        },
      },
    });
    const shown: Passage[] = [];
    const keeping: AnswerPorts<Carried> = {
      ...ports,
      generate: (request, call) => {
        shown.push(...request.passages);
        return ports.generate(request, call);
      },
    };
    // The fifth character is amid the family, which is one grapheme of five.
    const { answer } = await read(answerQuestion({ ...question, maxContextCharCount: 5 }, run, keeping));
    expect(shown).toMatchObject([{ text: "가족", keptSpans: [{ startOffset: 10, endOffset: 12 }] }]);
    expect(answer.citations[0]).toMatchObject({
      text,
      startOffset: 10,
      highlights: [{ startOffset: 10, endOffset: 12 }],
    });
    expect(answer.degradations.map(({ hop, reason }) => [hop, reason])).toEqual([["compression", "PLAIN_CUT"]]);
  });

  it("is none without a search, and generation is not asked", async () => {
    const search = async () => {
      throw fails("ALL_SOURCES_FAILED");
    };
    const { ports, run, called } = setUp({ ports: { search } });
    const failure = await read(answerQuestion(question, run, ports)).catch((error: unknown) => error);
    expect(reasonOf(failure)).toBe("ALL_SOURCES_FAILED");
    expect(called).toEqual(["embed"]);
  });

  it("names no document when retrieval is switched off, and says so", async () => {
    const { ports, run, called } = setUp();
    const { answer } = await read(answerQuestion({ ...question, retrieval: undefined }, run, ports));
    expect(called).toEqual(["generate"]);
    expect(answer.citations).toEqual([]);
    expect(answer.degradations.map(({ reason }) => reason)).toEqual(["RETRIEVAL_DISABLED"]);
  });

  it.each([
    ["before its first word", []],
    ["after its first word", ["15일 "]],
  ])("that fails %s is a failure, and never an answer", async (_, words) => {
    const generate = async function* (): AsyncGenerator<GenerationEvent<Carried>> {
      for (const text of words) yield { type: "text", section: "", text };
      throw fails("LLM_UNAVAILABLE");
    };
    const { ports, run } = setUp({ ports: { generate } });
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of answerQuestion(question, run, ports)) types.push(type);
    })();
    expect(reasonOf(await reading.catch((error: unknown) => error))).toBe("LLM_UNAVAILABLE");
    expect(types.filter((type) => type === "text")).toHaveLength(words.length);
    expect(types).not.toContain("answer");
  });

  it("is not gone on with for a caller who has left", async () => {
    const { ports, run, left, called } = setUp();
    const leaving: AnswerPorts<Carried> = {
      ...ports,
      embed: async () => {
        left.abort(new Error("left"));
        throw fails("UPSTREAM_LOST");
      },
    };
    await expect(read(answerQuestion(question, run, leaving))).rejects.toThrow("left");
    expect(called).toEqual([]);
  });

  it("closes the stream of generation when its reader leaves", async () => {
    let closed = false;
    const generate = async function* (): AsyncGenerator<GenerationEvent<Carried>> {
      try {
        for (;;) yield { type: "text", section: "", text: "낱말 " };
      } finally {
        closed = true;
      }
    };
    const { ports, run } = setUp({ ports: { generate } });
    for await (const { type } of answerQuestion(question, run, ports)) if (type === "text") break;
    expect(closed).toBe(true);
  });
});
