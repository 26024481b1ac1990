import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type {
  GenerateAnswerRequest,
  GenerateAnswerResponseSchema,
} from "@quartet/contracts/generation/v1/generation_service";
import {
  type AnswererSchema,
  AnswererKind,
  CitationSchema,
  type Citation as CitationMessage,
  FinishReason as FinishReasonMessage,
  type SectionSchema,
  type SectionSpec,
} from "@quartet/contracts/type/v1/answer";
import type { FailureSchema } from "@quartet/contracts/type/v1/outcome";
import type { Passage as PassageMessage, Span as SpanMessage } from "@quartet/contracts/type/v1/passage";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { quartetError } from "@quartet/errors";
import { toDuration, toTokenUsage } from "@quartet/rpc";
import { nfc } from "@quartet/text";
import type {
  AnswerEnd,
  AnswererIdentity,
  AnswerEvent,
  Citation,
  FinishReason,
  Passage,
  Span,
} from "./domain/answerer.ts";
import { AnswererError, type AnswererFailure } from "./domain/answerer-error.ts";
import { passageParts } from "./domain/passage-parts.ts";
import { messageOf, type SectionsEnd, type WrittenSection } from "./domain/sections/outcomes.ts";
import type { SectionsEvent, SectionTask } from "./domain/sections/sectioned-answerer.ts";

/** The name under which this service appears in degradations. */
const hop = "generation";

/** @throws {ConnectError} INVALID_ARGUMENT naming the passage whose text and offsets do not add up. */
export function fromRequest({ question, passages, retrievalDisabled, sections, modelOptions }: GenerateAnswerRequest) {
  return {
    question: nfc(question).trim(),
    passages: passages.map(fromPassage),
    retrievalDisabled,
    sections: sections.map(fromSection),
    maxOutputTokens: modelOptions?.maxTokenCount || undefined,
    temperature: modelOptions?.temperature,
  };
}

const fromSection = ({ name, instruction, maxTokenCount }: SectionSpec): SectionTask => ({
  name,
  instruction: nfc(instruction).trim(),
  maxOutputTokens: maxTokenCount || undefined,
});

function fromPassage(message: PassageMessage, index: number): Passage {
  const { documentId, title, uri, text, score, hits, documentVersion } = message;
  const parts = passageParts(text, fromSpan(message), message.keptSpans.map(fromSpan));
  if (parts === undefined) {
    const violation = {
      field: `passages[${index}].${message.keptSpans.length > 0 ? "kept_spans" : "end_offset"}`,
      description: "must add up to the characters of text: the spans in order, one character between two of them",
    };
    throw quartetError({
      code: Code.InvalidArgument,
      reason: "FIELD_INVALID",
      message: "The offsets of a passage do not fit its text. Send passages as retrieval or compression made them.",
      violations: [violation],
    });
  }
  const sources = [...new Set(hits.map(({ source }) => source))];
  return { documentId, title, uri, text, parts, score, sources, documentVersion };
}

const fromSpan = ({ startOffset, endOffset }: Pick<SpanMessage, "startOffset" | "endOffset">): Span => ({
  start: startOffset,
  end: endOffset,
});

const toSpan = ({ start, end }: Span) => ({ startOffset: start, endOffset: end });

export function toResponse(event: AnswerEvent | SectionsEvent): MessageInitShape<typeof GenerateAnswerResponseSchema> {
  switch (event.kind) {
    case "text":
      return { event: { case: "textDelta", value: { text: event.text } } };
    case "section-text":
      return { event: { case: "textDelta", value: { section: event.section, text: event.text } } };
    case "section":
      return { event: { case: "section", value: toSection(event.section) } };
    case "end":
      return { event: { case: "end", value: { ...toEnd(event), finishReason: finishReasons[event.finishReason] } } };
    case "sections-end":
      return { event: { case: "end", value: toEnd(event) } };
  }
}

const toEnd = ({ citations, answerer, usage, degradations }: AnswerEnd | SectionsEnd) => ({
  citations: citations.map(toCitation),
  answerer: toAnswerer(answerer),
  degradations: degradations.map(({ reason, message }) => ({ hop, reason, message })),
  ...(usage === undefined ? {} : { usage: toTokenUsage(usage) }),
});

function toSection({ name, text, outcome, usage }: WrittenSection): MessageInitShape<typeof SectionSchema> {
  return {
    name,
    text,
    ...("end" in outcome
      ? { finishReason: finishReasons[outcome.finishReason] }
      : { failure: toFailure(outcome.failure) }),
    ...(usage === undefined ? {} : { usage: toTokenUsage(usage) }),
  };
}

/** What the section would have failed with alone. */
function toFailure(error: unknown): MessageInitShape<typeof FailureSchema> {
  const message = messageOf(error);
  if (!(error instanceof AnswererError)) return { code: codeToString(Code.Internal), reason: "INTERNAL", message };
  const { failure: reason, retryDelayMs } = error;
  return {
    code: codeToString(codes[reason]),
    reason,
    message,
    ...(retryDelayMs === undefined ? {} : { retryDelay: toDuration(retryDelayMs) }),
  };
}

export function toCitation({ number, passage, text, span, highlights }: Citation): CitationMessage {
  return create(CitationSchema, {
    number,
    documentId: passage.documentId,
    title: passage.title,
    text,
    ...toSpan(span),
    highlights: highlights.map(toSpan),
    score: passage.score,
    uri: passage.uri,
    sources: [...passage.sources],
    documentVersion: passage.documentVersion,
  });
}

const finishReasons: Readonly<Record<FinishReason, FinishReasonMessage>> = {
  stop: FinishReasonMessage.STOP,
  length: FinishReasonMessage.LENGTH,
  "content-filter": FinishReasonMessage.CONTENT_FILTER,
  refusal: FinishReasonMessage.REFUSAL,
  "no-answer": FinishReasonMessage.NO_ANSWER,
};

const toAnswerer = (identity: AnswererIdentity): MessageInitShape<typeof AnswererSchema> =>
  identity.kind === "extractive"
    ? { kind: AnswererKind.EXTRACTIVE }
    : { kind: AnswererKind.MODEL, model: identity.model, promptVersion: identity.promptVersion };

const codes: Readonly<Record<AnswererFailure, Code>> = {
  LLM_RATE_LIMIT: Code.ResourceExhausted,
  LLM_QUOTA: Code.ResourceExhausted,
  LLM_AUTH: Code.FailedPrecondition,
  LLM_TTFT: Code.Unavailable,
  LLM_PROTOCOL: Code.Unavailable,
  LLM_UNAVAILABLE: Code.Unavailable,
  STREAM_STALLED: Code.Unavailable,
  STREAM_TRUNCATED: Code.Unavailable,
  BUDGET_EXHAUSTED: Code.ResourceExhausted,
  MODEL_UNKNOWN: Code.InvalidArgument,
  UPSTREAM_FAILED: Code.Unavailable,
  OUT_OF_TIME: Code.DeadlineExceeded,
};

/** The error a caller gets, with what was spent as a detail. The cause stays here. */
export function toConnectError({ failure, message, usage, retryDelayMs, cause }: AnswererError): ConnectError {
  const error = quartetError({ code: codes[failure], reason: failure, message, retryDelayMs, cause });
  if (usage !== undefined) error.details.push({ desc: TokenUsageSchema, value: toTokenUsage(usage) });
  return error;
}
