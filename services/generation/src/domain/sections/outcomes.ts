import type { AnswerEnd, AnswererIdentity, Citation, Degradation, FinishReason, Usage } from "../answerer.ts";
import { AnswererError, type AnswererFailure } from "../answerer-error.ts";
import { addUsage } from "../usage.ts";
import { mergeCitations } from "./merged-citations.ts";

/** A section that is over. */
export interface WrittenSection {
  readonly name: string;
  /** What was written; not all of it where there is a failure. */
  readonly text: string;
  /** What the text cites, that of a fragment too. */
  readonly citations: readonly Citation[];
  readonly outcome: SectionOutcome;
  /** Absent when no provider was asked. */
  readonly usage: Usage | undefined;
}

/** How a section ended; a failure is an AnswererError, or a defect of ours. */
export type SectionOutcome =
  { readonly finishReason: FinishReason; readonly end: AnswerEnd } | { readonly failure: unknown };

/** What closes an answer in sections. */
export interface SectionsEnd {
  readonly kind: "sections-end";
  readonly citations: readonly Citation[];
  readonly answerer: AnswererIdentity;
  /** Of all sections together; absent when no provider was asked. */
  readonly usage: Usage | undefined;
  readonly degradations: readonly Degradation[];
}

const serialized: Degradation = {
  reason: "SECTIONS_SERIALIZED",
  message:
    "Sections were written fewer at once, because no key of the model provider was free for all of them. Add keys, or raise their limits.",
};

/**
 * What all sections together come to.
 *
 * @throws {AnswererError} the most telling of the failures, with what all sections cost, when there is none but failures.
 */
export function endOfSections(
  sections: readonly WrittenSection[],
  { wereShort }: { readonly wereShort: boolean },
): SectionsEnd {
  const usage = sections.reduce<Usage | undefined>((sum, section) => addUsage(sum, section.usage), undefined);
  const ends = sections.flatMap(({ outcome }) => ("end" in outcome ? [outcome.end] : []));
  const identities = ends.map(({ answerer }) => answerer);
  const answerer = identities.find(({ kind }) => kind === "model") ?? identities[0];
  if (answerer === undefined) throw mostTelling(sections, usage);
  return {
    kind: "sections-end",
    citations: mergeCitations(sections.map(({ citations }) => citations)),
    answerer,
    usage,
    degradations: [...(wereShort ? [serialized] : []), ...sharedDegradations(sections), ...failures(sections)],
  };
}

/** What was left out of sections that stand, once each, with the names of those it concerns. */
function sharedDegradations(sections: readonly WrittenSection[]): Degradation[] {
  const named = sections.flatMap(({ name, outcome }) =>
    "end" in outcome ? outcome.end.degradations.map((degradation) => ({ name, degradation })) : [],
  );
  const groups = Map.groupBy(named, ({ degradation: { reason, message } }) => `${reason} ${message}`);
  return [...groups.values()].map((group) => {
    const { reason, message } = group[0]!.degradation;
    return { reason, message: `${nameAll(group.map(({ name }) => name))}: ${message}` };
  });
}

const nameAll = (names: readonly string[]): string =>
  `${names.length === 1 ? "Section" : "Sections"} ${names.join(", ")}`;

function failures(sections: readonly WrittenSection[]): Degradation[] {
  return sections.flatMap(({ name, text, outcome }) => {
    if ("end" in outcome) return [];
    const missing = text === "" ? "has no text" : "breaks off";
    return [
      { reason: "SECTION_FAILED", message: `Section ${name} ${missing}: ${messageOf(outcome.failure)}` } as const,
    ];
  });
}

/** For a defect of ours nothing is told but that it is one. */
export const messageOf = (failure: unknown): string =>
  failure instanceof AnswererError
    ? failure.message
    : "the service met a defect; the operator finds it in the log by the request ID.";

/** What someone must act on comes before what passes by itself, and that before what only says that time was short. */
const ranks: Readonly<Record<AnswererFailure, number>> = {
  MODEL_UNKNOWN: 0,
  BUDGET_EXHAUSTED: 1,
  LLM_AUTH: 2,
  LLM_QUOTA: 3,
  LLM_RATE_LIMIT: 4,
  LLM_PROTOCOL: 5,
  LLM_UNAVAILABLE: 6,
  UPSTREAM_FAILED: 7,
  STREAM_TRUNCATED: 8,
  STREAM_STALLED: 9,
  LLM_TTFT: 10,
  OUT_OF_TIME: 11,
};

function mostTelling(sections: readonly WrittenSection[], usage: Usage | undefined): unknown {
  const all = sections.map(({ outcome }) => ("failure" in outcome ? outcome.failure : undefined));
  const own = all.filter((failure) => failure instanceof AnswererError);
  const [first] = own.toSorted((one, other) => ranks[one.failure] - ranks[other.failure]);
  if (first === undefined) return all[0];
  const delays = own.flatMap(({ failure, retryDelayMs }) =>
    failure === first.failure && retryDelayMs !== undefined ? [retryDelayMs] : [],
  );
  return new AnswererError({
    failure: first.failure,
    message: first.message,
    usage,
    retryDelayMs: delays.length === 0 ? undefined : Math.max(...delays),
    cause: first.cause,
  });
}
