import { describe, expect, it } from "@jest/globals";
import type { ConnectError } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { type GenerationEnd, GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { AnswererKind, FinishReason } from "@quartet/contracts/type/v1/answer";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { reasonOf, violationsOf } from "@quartet/errors";
import { createClient, createInMemoryTransport } from "@quartet/rpc";
import type { Answerer } from "../domain/answerer.ts";
import { AnswererError } from "../domain/answerer-error.ts";
import { createExtractiveAnswerer } from "../domain/extractive-answerer.ts";
import { createSectionedAnswerer } from "../domain/sections/sectioned-answerer.ts";
import { createGenerateAnswer } from "./generate-answer.ts";

const clientOf = (answerer: Answerer = createExtractiveAnswerer()) =>
  createClient(
    GenerationService,
    createInMemoryTransport(
      (add) => {
        const sectioned = createSectionedAnswerer({ answerer });
        add(GenerationService, { generateAnswer: createGenerateAnswer({ answerer, sectioned }) });
      },
      { defaultTimeoutMs: 30_000 },
    ),
  );

async function ask(question: string, passages: readonly object[], client = clientOf()) {
  const deltas: string[] = [];
  const ends: GenerationEnd[] = [];
  for await (const { event } of client.generateAnswer({ question, passages: [...passages] })) {
    if (event.case === "textDelta") deltas.push(event.value.text);
    if (event.case === "end") ends.push(event.value);
  }
  expect(ends).toHaveLength(1);
  return { deltas, text: deltas.join(""), end: ends[0]! };
}

const document = "서울은 대한민국의 수도이다. 인구는 약 940만 명이다. 😀 한강이 도시를 가로지른다.";
const passage = (start: number, end: number, more: object = {}) => ({
  documentId: "seoul",
  text: [...document].slice(start, end).join(""),
  startOffset: start,
  endOffset: end,
  score: 1,
  documentVersion: 7n,
  ...more,
});
const length = [...document].length;

describe("GenerateAnswer", () => {
  it("streams quoted sentences, then one end with what they cite", async () => {
    const { text, end } = await ask("서울의 인구는 몇 명인가?", [
      passage(0, length, { title: "서울", uri: "file:///seoul.txt" }),
    ]);
    expect(text).toMatch(/인구는 약 940만 명이다\. \[1\]/);
    expect(end).toMatchObject({ finishReason: FinishReason.STOP, answerer: { kind: AnswererKind.EXTRACTIVE } });
    expect(end.usage).toBeUndefined();
    const [citation] = end.citations;
    expect(citation).toMatchObject({
      number: 1,
      documentId: "seoul",
      title: "서울",
      uri: "file:///seoul.txt",
      documentVersion: 7n,
    });
    const { startOffset, endOffset, highlights } = citation!;
    expect([...document].slice(startOffset, endOffset).join("")).toBe(citation!.text);
    expect(highlights.map((span) => [...document].slice(span.startOffset, span.endOffset).join(""))).toContain(
      "인구는 약 940만 명이다.",
    );
  });

  it("cites one kept part of a shortened passage, with offsets into the document", async () => {
    const kept = [
      { startOffset: 0, endOffset: 15 },
      { startOffset: 33, endOffset: length },
    ];
    const text = kept.map((span) => [...document].slice(span.startOffset, span.endOffset).join("")).join(" ");
    const { end } = await ask("한강이 가로지르는 도시는 어디인가?", [passage(0, length, { text, keptSpans: kept })]);
    const citation = end.citations[0]!;
    expect([...document].slice(citation.startOffset, citation.endOffset).join("")).toBe(citation.text);
    expect(citation.startOffset).toBe(33);
  });

  it("says in the question's language that there is no answer", async () => {
    const korean = await ask("양자역학의 창시자는 누구인가?", [passage(0, length)]);
    expect(korean.text).toBe("주어진 문서에서 이 질문에 대한 답을 찾지 못했습니다.");
    expect(korean.end).toMatchObject({ finishReason: FinishReason.NO_ANSWER, citations: [] });
    const english = await ask("Who invented the telephone?", []);
    expect(english.text).toBe("The documents hold no answer to this question.");
  });

  it.each([
    ["passages[0].end_offset", passage(0, length, { endOffset: length - 1 })],
    ["passages[0].kept_spans", passage(0, length, { keptSpans: [{ startOffset: 0, endOffset: 3 }] })],
  ])("refuses offsets that do not fit: %s", async (field, bad) => {
    const error = await ask("서울의 인구는?", [bad]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: Code.InvalidArgument });
    expect(violationsOf(error)).toMatchObject([{ field }]);
  });

  it("ends a broken answer with an error that tells what was spent", async () => {
    const usage = { inputTokens: 10, outputTokens: 2, cachedInputTokens: 0, calls: 1, estimated: true };
    const answerer: Answerer = {
      async *answer() {
        yield { kind: "text", text: "half of " };
        throw new AnswererError({ failure: "STREAM_TRUNCATED", usage, cause: new Error("sk-canary-secret") });
      },
    };
    const error = await ask("Why?", [], clientOf(answerer)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: Code.Unavailable });
    expect(reasonOf(error)).toBe("STREAM_TRUNCATED");
    expect((error as ConnectError).findDetails(TokenUsageSchema)).toMatchObject([
      { inputTokenCount: 10, callCount: 1 },
    ]);
    expect(String(error)).not.toContain("canary");
  });

  it("aborts the answerer's signal when the caller leaves", async () => {
    let seen: AbortSignal | undefined;
    const answerer: Answerer = {
      async *answer(_question, _passages, { signal }) {
        seen = signal;
        yield { kind: "text", text: "one" };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    };
    for await (const _ of clientOf(answerer).generateAnswer({ question: "Why?" })) break;
    await new Promise(setImmediate);
    expect(seen?.aborted).toBe(true);
  });
});
