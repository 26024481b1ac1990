import { Code } from "@connectrpc/connect";
import type { AnswerQuestionResponse } from "@quartet/contracts/gateway/v1/answer_service";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { StageStatus } from "@quartet/contracts/type/v1/outcome";
import { Fusion } from "@quartet/contracts/type/v1/search";
import { quartetError, reasonOf, retryDelayMsOf, violationsOf } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { end, hang, passages, spaceA, spaceB, text } from "./fakes.ts";
import { failure } from "./failure.ts";
import { openInMemory } from "./open-gateway.ts";

const question = "휴가는 며칠입니까?";

const unavailable = () =>
  quartetError({ code: Code.Unavailable, reason: "LLM_UNAVAILABLE", message: "The provider does not answer." });

const statusNames = Object.keys(StageStatus);

const statuses = ({ timings }: AnswerQuestionResponse) =>
  timings!.stages.map(({ stage, status }) => `${stage} ${statusNames[status]}`);

const reasons = ({ degradations }: { degradations: { hop: string; reason: string }[] }) =>
  degradations.map(({ hop, reason }) => `${hop} ${reason}`);

async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

describe("an answer", () => {
  it("goes embed, search, compress, generate, and says what it rests on, what it took and what it cost", async () => {
    await using gateway = await openInMemory();
    const answer = await gateway.answers.answerQuestion({ question });
    expect(gateway.inner.calls.filter((call) => call !== "collections")).toEqual([
      "embed",
      "search",
      "compress",
      "generate",
    ]);
    expect(answer.text).toBe("14일 [2]");
    expect(answer.citations).toMatchObject([
      {
        number: 2,
        documentId: "refunds",
        text: passages[1]!.text,
        startOffset: 100,
        sources: ["corpus"],
        documentVersion: 3n,
      },
    ]);
    expect(answer.degradations).toEqual([]);
    expect(statuses(answer)).toEqual(["embed OK", "search OK", "compress OK", "generate OK"]);
    expect(answer.usage).toMatchObject({ inputTokenCount: 53, outputTokenCount: 9, callCount: 2 });
    expect(answer.legs).toHaveLength(1);
    expect(answer.timings?.budget?.seconds).toBe(29n);
    expect(answer.timings?.firstToken).toBeDefined();
  });

  it("is the same message as the stream's last event", async () => {
    await using gateway = await openInMemory();
    const whole = await gateway.answers.answerQuestion({ question });
    const cases: (string | undefined)[] = [];
    let streamed = "";
    let last;
    for await (const { event } of gateway.answers.streamAnswerQuestion({ answer: { question } })) {
      cases.push(event.case);
      if (event.case === "textDelta") streamed += event.value.text;
      if (event.case === "answer") last = event.value;
    }
    expect(cases.lastIndexOf("citation")).toBeLessThan(cases.indexOf("textDelta"));
    expect(cases.filter((each) => each === "stage")).toHaveLength(4);
    expect(cases.at(-1)).toBe("answer");
    expect(streamed).toBe(last!.text);
    expect({ ...last, timings: undefined }).toEqual({ ...whole, timings: undefined });
  });

  it("goes on with keywords when the question cannot be embedded, and says why", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.embed = async () => {
      throw unavailable();
    };
    const answer = await gateway.answers.answerQuestion({ question });
    expect(gateway.inner.requests.search[0]?.queryVector).toBeUndefined();
    expect(reasons(answer)).toEqual(["embedding LLM_UNAVAILABLE"]);
    expect(statuses(answer)[0]).toBe("embed FAILED");
    expect(await gateway.metricsText()).toMatch(/left_out_total\{stage="embed",reason="LLM_UNAVAILABLE".*\} 1/);
    expect(gateway.logged.join("")).not.toContain(question);
  });

  it("does not wait longer for an embedder than it is granted", async () => {
    await using gateway = await openInMemory({ QUARTET_EMBED_TIMEOUT: "50ms" });
    gateway.inner.behaviour.embed = (_, { signal }) => hang(signal);
    const answer = await gateway.answers.answerQuestion({ question });
    expect(reasons(answer)).toEqual(["embedding OUT_OF_TIME"]);
    expect(answer.text).not.toBe("");
  });

  it("cuts plainly when compression fails", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.compress = async () => {
      throw new Error("a defect");
    };
    const answer = await gateway.answers.answerQuestion({ question, maxContextCharCount: 10 });
    expect(reasons(answer)).toEqual(["compression PLAIN_CUT"]);
    const [shown] = gateway.inner.requests.generate[0]!.passages;
    expect(shown).toMatchObject({ text: "연차 휴가는 1년에", keptSpans: [{ startOffset: 100, endOffset: 110 }] });
  });

  it("is refused without a model's call when nothing could be searched", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.search = async () => {
      throw quartetError({ code: Code.Unavailable, reason: "ALL_SOURCES_FAILED", message: "Try again." });
    };
    const error = await failure(gateway.answers.answerQuestion({ question }));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "ALL_SOURCES_FAILED"]);
    expect(gateway.inner.calls).not.toContain("generate");
    // Embedding was paid for all the same.
    expect(error.findDetails(TokenUsageSchema)).toMatchObject([{ inputTokenCount: 3 }]);
  });

  it("that meets a defect tells the caller nothing of it, and the log why, by the same request ID", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.search = async () => {
      throw new Error("the seven dwarfs are gone");
    };
    const error = await failure(gateway.answers.answerQuestion({ question }));
    expect([error.code, reasonOf(error)]).toEqual([Code.Internal, "INTERNAL"]);
    expect(error.message).not.toContain("dwarfs");
    const told = gateway.logged.filter((line) => line.includes("dwarfs"));
    expect(told).toHaveLength(1);
    expect(JSON.parse(told[0]!)).toMatchObject({ requestId: error.metadata.get("x-request-id"), code: "internal" });
  });

  it("hands on what retrieval could not ask", async () => {
    await using gateway = await openInMemory();
    const failures = [{ hop: "retrieval.vector", reason: "VECTORS_PENDING", source: "corpus", message: "Later." }];
    gateway.inner.behaviour.search = async () => ({ passages, failures });
    const answer = await gateway.answers.answerQuestion({ question });
    expect(reasons(answer)).toEqual(["retrieval.vector VECTORS_PENDING"]);
    expect(statuses(answer)[1]).toBe("search DEGRADED");
  });

  it("asks generation even when nothing was found, but not compression", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.search = async () => ({ passages: [] });
    await gateway.answers.answerQuestion({ question });
    expect(gateway.inner.calls).not.toContain("compress");
    expect(gateway.inner.requests.generate[0]?.passages).toEqual([]);
  });

  it("rests on no document with RAG_DISABLED, and says so", async () => {
    await using gateway = await openInMemory({ RAG_DISABLED: "true" });
    const answer = await gateway.answers.answerQuestion({ question });
    expect(gateway.inner.calls).toEqual(["generate"]);
    expect(reasons(answer)).toEqual(["retrieval RETRIEVAL_DISABLED"]);
  });

  it("is refused at once when its deadline cannot be met", async () => {
    await using gateway = await openInMemory();
    const error = await failure(gateway.answers.answerQuestion({ question }, { timeoutMs: 60 }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "DEADLINE_TOO_SHORT"]);
    expect(gateway.inner.calls).toEqual([]);
  });

  it("leaves optional stages out when the deadline is short", async () => {
    await using gateway = await openInMemory();
    const answer = await gateway.answers.answerQuestion({ question }, { timeoutMs: 400 });
    expect(reasons(answer)).toEqual(["embedding OUT_OF_TIME", "compression PLAIN_CUT"]);
    expect(statuses(answer)).toEqual(["embed SKIPPED", "search OK", "compress SKIPPED", "generate OK"]);
  });

  it("that breaks off is an error, with what it cost", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.generate = async function* () {
      yield text("half of");
    };
    const texts: string[] = [];
    const error = await failure(
      (async () => {
        for await (const { event } of gateway.answers.streamAnswerQuestion({ answer: { question } })) {
          if (event.case === "textDelta") texts.push(event.value.text);
        }
      })(),
    );
    expect(texts).toEqual(["half of"]);
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "STREAM_TRUNCATED"]);
    expect(error.findDetails(TokenUsageSchema)).toMatchObject([{ inputTokenCount: 3 }]);
  });

  it.each([
    ["QUARTET_FIRST_TOKEN_TIMEOUT", "LLM_TTFT", 0],
    ["QUARTET_TOKEN_TIMEOUT", "STREAM_STALLED", 1],
  ])("that stops coming ends by %s", async (variable, reason, pieces) => {
    await using gateway = await openInMemory({ [variable]: "100ms" });
    gateway.inner.behaviour.generate = async function* (_, { signal }) {
      if (pieces > 0) yield text("one");
      await hang(signal);
    };
    expect(reasonOf(await failure(gateway.answers.answerQuestion({ question })))).toBe(reason);
  });

  it("sends the embedder's space along, and nothing when keywords alone are wanted", async () => {
    await using gateway = await openInMemory();
    await gateway.answers.answerQuestion({ question });
    expect(gateway.inner.requests.search[0]?.spaceId).toBe(spaceA);
    await gateway.answers.answerQuestion({ question, search: { fusion: Fusion.KEYWORD_ONLY } });
    expect(gateway.inner.requests.embed).toHaveLength(1);
    expect(gateway.inner.requests.search[1]?.queryVector).toBeUndefined();
  });

  it("keeps to the space that is searched while another is built, and says when it cannot be made", async () => {
    await using gateway = await openInMemory();
    Object.assign(gateway.inner.behaviour, { ownSpace: spaceB, spaces: [spaceA, spaceB] });
    await gateway.answers.answerQuestion({ question });
    expect(gateway.inner.requests.search[0]?.spaceId).toBe(spaceA);
    gateway.inner.behaviour.spaces = [spaceB];
    const answer = await gateway.answers.answerQuestion({ question });
    expect(reasons(answer)).toEqual(["embedding EMBEDDING_SPACE_MISMATCH"]);
    expect(gateway.inner.requests.search[1]?.queryVector).toBeUndefined();
  });

  it("asks for the collections' spaces once, however many questions come at once", async () => {
    await using gateway = await openInMemory();
    await Promise.all(Array.from({ length: 20 }, () => gateway.answers.answerQuestion({ question })));
    expect(gateway.inner.calls.filter((call) => call === "collections")).toHaveLength(1);
  });

  it("names the field that retrieval refuses as the caller named it", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.search = async () => {
      throw quartetError({
        code: Code.InvalidArgument,
        reason: "FILTER_FIELD_UNKNOWN",
        message: "No document has such a field.",
        violations: [{ field: "options.filter.equals.field", description: "unknown" }],
      });
    };
    const search = { filter: { condition: { case: "exists", value: "colour" } } } as const;
    const error = await failure(gateway.answers.answerQuestion({ question, search }));
    expect(reasonOf(error)).toBe("FILTER_FIELD_UNKNOWN");
    expect(violationsOf(error)[0]?.field).toBe("search.filter.equals.field");
    const stream = readAll(gateway.answers.streamAnswerQuestion({ answer: { question, search } }));
    expect(violationsOf(await failure(stream))[0]?.field).toBe("answer.search.filter.equals.field");
  });
});

describe("the gateway at its limit", () => {
  it("refuses with OVERLOADED and when to come again, and has places again when calls have ended", async () => {
    await using gateway = await openInMemory({ QUARTET_MAX_IN_FLIGHT: "1" });
    const left = new AbortController();
    gateway.inner.behaviour.generate = async function* (_, { signal }) {
      await hang(signal);
    };
    const held = failure(gateway.answers.answerQuestion({ question }, { signal: left.signal }));
    const error = await failure(gateway.search.searchPassages({ query: question }));
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "OVERLOADED"]);
    expect(retryDelayMsOf(error)).toBeGreaterThanOrEqual(500);
    left.abort();
    expect((await held).code).toBe(Code.Canceled);
    // The place is given back when the work has ended, a moment after the caller was answered.
    await new Promise(setImmediate);
    expect((await gateway.search.searchPassages({ query: question })).passages).toHaveLength(2);
  });

  it("lets a failing service rest, and goes on without it", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.embed = async () => {
      throw unavailable();
    };
    let answer;
    for (let count = 0; count < 25; count += 1) answer = await gateway.search.searchPassages({ query: question });
    expect(reasons(answer!)).toEqual(["embedding CIRCUIT_OPEN"]);
    expect(gateway.inner.requests.embed.length).toBeLessThan(25);
    expect(await gateway.metricsText()).toMatch(/breaker_open\{hop="embedding".*\} 1/);
  });

  it("does not hold callers' mistakes and cancels against a service", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.search = async () => {
      throw quartetError({ code: Code.InvalidArgument, reason: "SOURCE_UNKNOWN", message: "Unknown." });
    };
    for (let count = 0; count < 30; count += 1) await failure(gateway.search.searchPassages({ query: question }));
    gateway.inner.behaviour.search = (_, { signal }) => hang(signal);
    for (let count = 0; count < 30; count += 1) {
      await failure(gateway.search.searchPassages({ query: question }, { signal: AbortSignal.timeout(1) }));
    }
    delete gateway.inner.behaviour.search;
    expect((await gateway.search.searchPassages({ query: question })).passages).toHaveLength(2);
  });
});

describe("a caller that leaves", () => {
  it.each(["embed", "search", "compress", "generate"] as const)("is gone for the %s service at once", async (stage) => {
    await using gateway = await openInMemory();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    const park = async (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
      signal.addEventListener("abort", () => finish());
      begin();
      return hang(signal);
    };
    const parkLater = async function* (request: unknown, context: { signal: AbortSignal }) {
      yield text("a");
      await park(request, context);
      yield end;
    };
    gateway.inner.behaviour[stage] = (stage === "generate" ? parkLater : park) as never;
    const left = new AbortController();
    const call = failure(gateway.answers.answerQuestion({ question }, { signal: left.signal }));
    await begun;
    left.abort();
    expect((await call).code).toBe(Code.Canceled);
    await ended;
  });

  it("of a stream is gone for generation too, and leaves no timer behind", async () => {
    await using gateway = await openInMemory();
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    gateway.inner.behaviour.generate = async function* () {
      try {
        for (;;) yield text("a ");
      } finally {
        finish();
      }
    };
    const timers = () => process.getActiveResourcesInfo().filter((type) => type === "Timeout").length;
    const before = timers();
    for await (const { event } of gateway.answers.streamAnswerQuestion({ answer: { question } })) {
      if (event.case === "textDelta") break;
    }
    await ended;
    await new Promise(setImmediate);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});
