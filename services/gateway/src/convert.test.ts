import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnswerQuestionResponseSchema } from "@quartet/contracts/gateway/v1/answer_service";
import { AnswererSchema, FinishReason, SectionSchema } from "@quartet/contracts/type/v1/answer";
import { PassageSchema } from "@quartet/contracts/type/v1/passage";
import { LegKind, LegReportSchema, LegStatus, SourceKind, SourceReportSchema } from "@quartet/contracts/type/v1/search";
import { describe, expect, it } from "@jest/globals";
import { shortenPassage, toAnswerResponse } from "./convert.ts";

describe("conversions", () => {
  it("carry a whole answer over the wire", () => {
    const message = create(
      AnswerQuestionResponseSchema,
      toAnswerResponse({
        text: "답 [1]",
        sections: [
          create(SectionSchema, { name: "summary", text: "요약 [1]", finishReason: FinishReason.STOP }),
          create(SectionSchema, { name: "risks", failure: { code: "unavailable", reason: "LLM_TTFT" } }),
        ],
        citations: [
          {
            number: 1,
            documentId: "d",
            documentVersion: 2n ** 60n,
            title: "제목",
            uri: "u",
            text: "글",
            startOffset: 3,
            endOffset: 4,
            highlights: [{ startOffset: 3, endOffset: 4 }],
            score: 0.5,
            sources: ["corpus"],
          },
        ],
        degradations: [{ hop: "embedding", reason: "OUT_OF_TIME", source: "", message: "m" }],
        finishReason: FinishReason.STOP,
        answerer: create(AnswererSchema, { model: "m" }),
        usage: { inputTokenCount: 1, outputTokenCount: 2, cachedInputTokenCount: 0, callCount: 1, estimated: true },
        timings: {
          stages: [{ stage: "embed", status: "SKIPPED", startDelayMs: 0.1, elapsedMs: 1 / 3, grantMs: 0 }],
          totalMs: 10.7,
          firstTokenMs: 5.5,
          budgetMs: 29_999.123,
        },
        legs: [
          create(LegReportSchema, { source: "corpus", leg: LegKind.KEYWORD, status: LegStatus.OK, passageCount: 3 }),
        ],
        sources: [
          create(SourceReportSchema, { source: "corpus", kind: SourceKind.HYBRID, reason: "OUT_OF_TIME", weight: 0.5 }),
        ],
      }),
    );
    const read = fromBinary(AnswerQuestionResponseSchema, toBinary(AnswerQuestionResponseSchema, message));
    expect(read).toEqual(message);
    expect(read.citations[0]?.highlights).toMatchObject([{ startOffset: 3, endOffset: 4 }]);
  });

  it("shorten a passage without touching the one that was found", () => {
    const found = create(PassageSchema, { documentId: "d", text: "가나다", startOffset: 5, endOffset: 8, hits: [{}] });
    const short = shortenPassage(found, "가", [{ startOffset: 5, endOffset: 6 }]);
    expect(short).toMatchObject({ documentId: "d", text: "가", startOffset: 5, endOffset: 8, hits: [] });
    expect(toBinary(PassageSchema, short).length).toBeGreaterThan(0);
    expect([found.text, found.keptSpans, found.hits.length]).toEqual(["가나다", [], 1]);
  });
});
