import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type {
  AnswerQuestionResponseSchema,
  StreamAnswerQuestionResponseSchema,
} from "@quartet/contracts/gateway/v1/answer_service";
import type { SearchPassagesResponseSchema } from "@quartet/contracts/gateway/v1/search_service";
import type {
  Answerer,
  CitationSchema,
  CompressionStrategy,
  FinishReason,
  ModelOptions,
  Section,
  SectionSpec,
} from "@quartet/contracts/type/v1/answer";
import type { CollectionState } from "@quartet/contracts/type/v1/collection";
import {
  StageStatus as WireStageStatus,
  type StageTimingSchema,
  type TimingsSchema,
} from "@quartet/contracts/type/v1/outcome";
import { type Passage, PassageSchema, SpanSchema } from "@quartet/contracts/type/v1/passage";
import type { LegReport, SearchOptions, SourceReport } from "@quartet/contracts/type/v1/search";
import type { Vector } from "@quartet/contracts/type/v1/vector";
import { toDuration } from "@quartet/rpc";
import type { Answer, AnswerEvent } from "./domain/answer.ts";
import type { Citation } from "./domain/citations.ts";
import type { Degradation, StageStatus, StageTiming, Timings } from "./domain/outcome.ts";
import type { Span } from "./domain/passage.ts";
import type { Carried, SearchResult } from "./domain/ports.ts";

/** What the rules of domain/ carry from hop to hop: the contract's messages as they came, never copied. */
export interface Wire extends Carried {
  readonly passage: Passage;
  readonly options: SearchOptions | undefined;
  readonly vector: Vector;
  readonly leg: LegReport;
  readonly source: SourceReport;
  readonly collection: CollectionState;
  readonly strategy: CompressionStrategy;
  readonly sectionSpec: SectionSpec;
  readonly section: Section;
  readonly modelOptions: ModelOptions | undefined;
  readonly answerer: Answerer | undefined;
  readonly finishReason: FinishReason;
}

/** Message fields are declared mutable, though nobody writes to a message once it is made: this spares the copy. */
export const list = <T>(items: readonly T[]): T[] => items as T[];

/** A passage that consists of less of its document; as after compression, without hits. */
export function shortenPassage(passage: Passage, text: string, keptSpans: readonly Span[]): Passage {
  return create(PassageSchema, {
    ...passage,
    text,
    keptSpans: keptSpans.map((span) => create(SpanSchema, span)),
    hits: [],
  });
}

const statuses: Record<StageStatus, WireStageStatus> = {
  OK: WireStageStatus.OK,
  CACHED: WireStageStatus.CACHED,
  DEGRADED: WireStageStatus.DEGRADED,
  SKIPPED: WireStageStatus.SKIPPED,
  FAILED: WireStageStatus.FAILED,
};

export function toStageTiming(timing: StageTiming): MessageInitShape<typeof StageTimingSchema> {
  return {
    stage: timing.stage,
    status: statuses[timing.status],
    startDelay: toDuration(timing.startDelayMs),
    elapsed: toDuration(timing.elapsedMs),
    grant: toDuration(timing.grantMs),
  };
}

export function toTimings({
  stages,
  totalMs,
  firstTokenMs,
  budgetMs,
}: Timings): MessageInitShape<typeof TimingsSchema> {
  return {
    stages: stages.map(toStageTiming),
    total: toDuration(totalMs),
    budget: toDuration(budgetMs),
    ...(firstTokenMs === undefined ? {} : { firstToken: toDuration(firstTokenMs) }),
  };
}

export function toCitation(citation: Citation): MessageInitShape<typeof CitationSchema> {
  return { ...citation, highlights: list(citation.highlights), sources: list(citation.sources) };
}

export function toSearchResponse(
  { passages, legs, sources, collections, cached, nextPageToken }: SearchResult<Wire>,
  degradations: readonly Degradation[],
  timings: Timings,
): MessageInitShape<typeof SearchPassagesResponseSchema> {
  return {
    passages: list(passages),
    degradations: list(degradations),
    legs: list(legs),
    sources: list(sources),
    collections: list(collections),
    nextPageToken,
    cached,
    timings: toTimings(timings),
  };
}

export function toAnswerResponse(answer: Answer<Wire>): MessageInitShape<typeof AnswerQuestionResponseSchema> {
  const { text, sections, citations, degradations, finishReason, answerer, usage, timings, legs, sources } = answer;
  return {
    text,
    sections: list(sections),
    citations: citations.map(toCitation),
    degradations: list(degradations),
    finishReason,
    timings: toTimings(timings),
    legs: list(legs),
    sources: list(sources),
    ...(answerer && { answerer }),
    ...(usage && { usage }),
  };
}

export function toStreamResponse(
  event: AnswerEvent<Wire>,
): MessageInitShape<typeof StreamAnswerQuestionResponseSchema> {
  switch (event.type) {
    case "stage":
      return { event: { case: "stage", value: toStageTiming(event.timing) } };
    case "citation":
      return { event: { case: "citation", value: toCitation(event.citation) } };
    case "text":
      return { event: { case: "textDelta", value: { section: event.section, text: event.text } } };
    case "section":
      return { event: { case: "section", value: event.section } };
    case "answer":
      return { event: { case: "answer", value: toAnswerResponse(event.answer) } };
  }
}
