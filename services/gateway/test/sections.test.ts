import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { GenerateAnswerResponseSchema } from "@quartet/contracts/generation/v1/generation_service";
import { AnswererKind, FinishReason } from "@quartet/contracts/type/v1/answer";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { quartetError, reasonOf } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { failure } from "./failure.ts";
import { end, hang } from "./fakes.ts";
import { openInMemory } from "./open-gateway.ts";

type Event = MessageInitShape<typeof GenerateAnswerResponseSchema>;

const question = "휴가 규정의 위험은 무엇입니까?";
const sections = [{ name: "summary" }, { name: "risks", instruction: "어떤 위험이 있습니까?", maxTokenCount: 200 }];

const delta = (section: string, text: string): Event => ({ event: { case: "textDelta", value: { section, text } } });
const usage = (outputTokenCount: number) => ({ inputTokenCount: 20, outputTokenCount, callCount: 1 });
const over = (name: string, text: string): Event => ({
  event: { case: "section", value: { name, text, finishReason: FinishReason.STOP, usage: usage(4) } },
});
const failed = (name: string, text = ""): Event => ({
  event: {
    case: "section",
    value: { name, text, failure: { code: "unavailable", reason: "STREAM_STALLED", message: "Try again." } },
  },
});
const lastOf = (degradations: object[] = []): Event => ({
  event: {
    case: "end",
    value: { citations: [{ number: 2 }], answerer: { kind: AnswererKind.MODEL }, usage: usage(8), degradations },
  },
});

async function* interleaved(): AsyncGenerator<Event> {
  yield delta("risks", "위험 ");
  yield delta("summary", "요약 ");
  yield delta("risks", "[2]");
  yield over("risks", "위험 [2]");
  yield delta("summary", "[1]");
  yield over("summary", "요약 [1]");
  yield lastOf();
}

describe("an answer in sections", () => {
  it("hands on what is written as it is written, and at last all of it in the order asked for", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.generate = interleaved;
    const told: string[] = [];
    let answer;
    for await (const { event } of gateway.answers.streamAnswerQuestion({ answer: { question, sections } })) {
      if (event.case === "textDelta") told.push(`${event.value.section}: ${event.value.text}`);
      if (event.case === "section") told.push(`${event.value.name}.`);
      if (event.case === "answer") answer = event.value;
    }
    expect(told).toEqual(["risks: 위험 ", "summary: 요약 ", "risks: [2]", "risks.", "summary: [1]", "summary."]);
    expect(answer).toMatchObject({
      text: "",
      finishReason: FinishReason.UNSPECIFIED,
      sections: [
        { name: "summary", text: "요약 [1]", finishReason: FinishReason.STOP, usage: { outputTokenCount: 4 } },
        { name: "risks", text: "위험 [2]" },
      ],
      citations: [{ number: 2, documentId: "refunds" }],
      // What embedding cost is added.
      usage: { inputTokenCount: 23, outputTokenCount: 8, callCount: 2 },
      degradations: [],
    });
  });

  it("is the same in one response, from one search for all of them", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.generate = interleaved;
    const modelOptions = { temperature: 0, maxTokenCount: 300 };
    const answer = await gateway.answers.answerQuestion({ question, sections, modelOptions });
    expect(answer.sections.map(({ name }) => name)).toEqual(["summary", "risks"]);
    const called = gateway.inner.calls.filter((call) => call !== "collections");
    expect(called).toEqual(["embed", "search", "compress", "generate"]);
    expect(gateway.inner.requests.generate[0]).toMatchObject({ question, sections, modelOptions });
  });

  it("stands where a section failed, and says which", async () => {
    await using gateway = await openInMemory();
    const degradation = { hop: "generation", reason: "SECTION_FAILED", message: "Section risks breaks off." };
    gateway.inner.behaviour.generate = async function* () {
      yield delta("risks", "위");
      yield failed("risks", "위");
      yield over("summary", "요약 [2]");
      yield lastOf([degradation]);
    };
    const answer = await gateway.answers.answerQuestion({ question, sections });
    expect(answer.sections[1]).toMatchObject({ text: "위", failure: { reason: "STREAM_STALLED" } });
    expect(answer.degradations).toMatchObject([degradation]);
  });

  it("is an error where all of them failed, with what they cost", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.generate = async function* () {
      yield failed("risks");
      yield failed("summary");
      const error = quartetError({ code: Code.Unavailable, reason: "STREAM_STALLED", message: "Try again." });
      error.details.push({ desc: TokenUsageSchema, value: usage(0) });
      throw error;
    };
    const error = await failure(gateway.answers.answerQuestion({ question, sections }));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "STREAM_STALLED"]);
    expect(error.findDetails(TokenUsageSchema)).toMatchObject([{ inputTokenCount: 23 }]);
  });

  it("is an error where generation leaves a section out", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.generate = async function* () {
      yield over("summary", "요약");
      yield end;
    };
    const error = await failure(gateway.answers.answerQuestion({ question, sections }));
    expect(reasonOf(error)).toBe("STREAM_TRUNCATED");
  });

  it("may pause for as long as a section's first word may take", async () => {
    await using gateway = await openInMemory({ QUARTET_TOKEN_TIMEOUT: "100ms", QUARTET_FIRST_TOKEN_TIMEOUT: "60s" });
    gateway.inner.behaviour.generate = async function* () {
      yield over("summary", "요약 [2]");
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield over("risks", "위험 [2]");
      yield lastOf();
    };
    const answer = await gateway.answers.answerQuestion({ question, sections });
    expect(answer.sections).toHaveLength(2);
  });

  it("is no longer written when its reader leaves", async () => {
    await using gateway = await openInMemory();
    const left = Promise.withResolvers<void>();
    gateway.inner.behaviour.generate = async function* (_, { signal }) {
      signal.addEventListener("abort", () => left.resolve());
      yield delta("risks", "위험 ");
      await hang(signal);
    };
    for await (const { event } of gateway.answers.streamAnswerQuestion({ answer: { question, sections } })) {
      if (event.case === "textDelta") break;
    }
    await left.promise;
  });
});
