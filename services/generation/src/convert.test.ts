import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import {
  GenerateAnswerRequestSchema,
  GenerateAnswerResponseSchema,
} from "@quartet/contracts/generation/v1/generation_service";
import { CitationSchema } from "@quartet/contracts/type/v1/answer";
import { PassageSchema } from "@quartet/contracts/type/v1/passage";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { reasonOf, retryDelayMsOf } from "@quartet/errors";
import fc from "fast-check";
import { fromRequest, toCitation, toConnectError, toResponse } from "./convert.ts";
import { AnswererError, type AnswererFailure } from "./domain/answerer-error.ts";
import type { AnswerEnd } from "./domain/answerer.ts";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).map((each) => each.normalize("NFC"));
const passage = fc
  .record({
    documentId: text,
    text,
    title: text,
    uri: text,
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    startOffset: fc.nat(1_000_000),
    documentVersion: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    source: fc.constantFrom("corpus", "graph"),
  })
  .map(({ source, ...fields }) =>
    create(PassageSchema, {
      ...fields,
      endOffset: fields.startOffset + [...fields.text].length,
      hits: [{ source }, { source }],
    }),
  );

describe("conversions", () => {
  it("bring everything of a passage into its citation, over the wire as well", () => {
    fc.assert(
      fc.property(fc.array(passage, { minLength: 1, maxLength: 3 }), (messages) => {
        const sent = create(GenerateAnswerRequestSchema, { question: "  왜?  ", passages: messages });
        const received = fromBinary(GenerateAnswerRequestSchema, toBinary(GenerateAnswerRequestSchema, sent));
        const { question, passages } = fromRequest(received);
        expect(question).toBe("왜?");
        for (const [index, message] of messages.entries()) {
          const own = passages[index]!;
          const { text: cited, span } = own.parts[0]!;
          const citation = toCitation({ number: index + 1, passage: own, text: cited, span, highlights: [span] });
          const { documentId, title, uri, score, startOffset, endOffset, documentVersion } = message;
          expect(fromBinary(CitationSchema, toBinary(CitationSchema, citation))).toEqual(
            create(CitationSchema, {
              ...{ number: index + 1, documentId, title, uri, score, startOffset, endOffset, documentVersion },
              text: message.text,
              highlights: [{ startOffset, endOffset }],
              sources: [message.hits[0]!.source],
            }),
          );
        }
      }),
    );
  });

  it("bring a question into NFC", () => {
    const request = create(GenerateAnswerRequestSchema, { question: "한강은?".normalize("NFD") });
    expect(fromRequest(request).question).toBe("한강은?");
  });

  it("keep numbers of a provider within the contract", () => {
    const usage = { inputTokens: 2 ** 40, outputTokens: 1.5, cachedInputTokens: -1, calls: 2, estimated: true };
    const end: AnswerEnd = {
      kind: "end",
      finishReason: "stop",
      citations: [],
      answerer: { kind: "model", model: "m", promptVersion: "answer-1" },
      usage,
      degradations: [{ reason: "CITATION_DROPPED", message: "words" }],
    };
    const message = create(GenerateAnswerResponseSchema, toResponse(end));
    const received = fromBinary(GenerateAnswerResponseSchema, toBinary(GenerateAnswerResponseSchema, message));
    expect(received.event.value).toMatchObject({
      usage: { inputTokenCount: 2 ** 31 - 1, outputTokenCount: 1, cachedInputTokenCount: 0, callCount: 2 },
      degradations: [{ hop: "generation", reason: "CITATION_DROPPED", message: "words", source: "" }],
    });
  });

  it.each<[AnswererFailure, Code]>([
    ["LLM_RATE_LIMIT", Code.ResourceExhausted],
    ["LLM_QUOTA", Code.ResourceExhausted],
    ["LLM_AUTH", Code.FailedPrecondition],
    ["LLM_TTFT", Code.Unavailable],
    ["LLM_PROTOCOL", Code.Unavailable],
    ["LLM_UNAVAILABLE", Code.Unavailable],
    ["STREAM_STALLED", Code.Unavailable],
    ["STREAM_TRUNCATED", Code.Unavailable],
    ["OUT_OF_TIME", Code.DeadlineExceeded],
  ])("give %s the contract's code", (failure, code) => {
    const usage = { inputTokens: 3, outputTokens: 0, cachedInputTokens: 0, calls: 1, estimated: true };
    const error = toConnectError(
      new AnswererError({ failure, retryDelayMs: 1_500, usage, cause: new Error("secret") }),
    );
    expect({ code: error.code, reason: reasonOf(error) }).toEqual({ code, reason: failure });
    expect(retryDelayMsOf(error)).toBe(1_500);
    expect(error.findDetails(TokenUsageSchema)).toMatchObject([{ inputTokenCount: 3, callCount: 1, estimated: true }]);
    expect(error.rawMessage).not.toContain("secret");
  });
});
