/** A range of characters (Unicode code points) of a document's stored text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A passage as an answerer sees it. `[n]` in an answer is the n-th passage of the request. */
export interface Passage {
  readonly documentId: string;
  readonly title: string;
  readonly uri: string;
  /** The parts of the document that the text consists of, in order, with one character between two parts. */
  readonly text: string;
  readonly parts: readonly PassagePart[];
  /** Relevance to the question, from 0 to 1. */
  readonly score: number;
  /** The sources that found it, by name. */
  readonly sources: readonly string[];
  readonly documentVersion: bigint;
}

/** An unbroken piece of a document within a passage: `text` is the document's stored text in `span`. */
export interface PassagePart {
  readonly text: string;
  readonly span: Span;
}

/** What a `[n]` of an answer refers to. `text` is the document's stored text in `span`, character for character. */
export interface Citation {
  readonly number: number;
  readonly passage: Passage;
  readonly text: string;
  readonly span: Span;
  /** The parts within the span that the answer rests on; empty means all of it. */
  readonly highlights: readonly Span[];
}

/** Why an answer's text ended. All but `stop` and `no-answer` are not whole answers. */
export type FinishReason = "stop" | "length" | "content-filter" | "refusal" | "no-answer";

/** Who wrote an answer. */
export type AnswererIdentity =
  { readonly kind: "extractive" } | { readonly kind: "model"; readonly model: string; readonly promptVersion: string };

/** What provider calls were billed for, failed attempts included. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly calls: number;
  /** Whether counts were estimated because the provider did not tell. */
  readonly estimated: boolean;
  /** In billionths of a US dollar, by the operator's prices. Absent where the model has none. */
  readonly costNanos?: number | undefined;
}

/** What was left out of an answer that is otherwise valid. */
export interface Degradation {
  readonly reason:
    "CITATION_DROPPED" | "LINK_REMOVED" | "EXTRACTIVE_FALLBACK" | "SECTIONS_SERIALIZED" | "SECTION_FAILED";
  /** What it means and what to do, in one sentence for people. */
  readonly message: string;
}

/** More text of the answer: never empty, never ending inside a grapheme or a `[n]`. */
export interface AnswerText {
  readonly kind: "text";
  readonly text: string;
}

/** The last event of every answer. */
export interface AnswerEnd {
  readonly kind: "end";
  readonly finishReason: FinishReason;
  /** What the text cites, each number once, ascending. */
  readonly citations: readonly Citation[];
  readonly answerer: AnswererIdentity;
  /** Absent when no provider was asked. */
  readonly usage?: Usage;
  readonly degradations: readonly Degradation[];
}

export type AnswerEvent = AnswerText | AnswerEnd;

/** One part of an answer whose parts are written at the same time, each by itself. */
export interface Section {
  readonly name: string;
  /** What to write. */
  readonly instruction: string;
  /** What the instruction asks for in the caller's own words; empty where it speaks of length and form only. */
  readonly topic: string;
  /** The names of all parts, in the order asked for, this one among them: so that none repeats what another is there for. */
  readonly all: readonly string[];
}

export interface AnswerOptions {
  /** On whose behalf. Default: nobody's; such an answer is shared with none. */
  readonly tenant?: string | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The time left for the whole answer. Default: the answerer's own limit. */
  readonly timeoutMs?: number | undefined;
  /** Whether nothing was searched, since retrieval is switched off. Default: false. */
  readonly retrievalDisabled?: boolean;
  /** The one part of the answer to write. Default: the answer has no parts. */
  readonly section?: Section | undefined;
  /** The most tokens to write; never more than the answerer's own limit, which is the default. */
  readonly maxOutputTokens?: number | undefined;
  /** From 0 to 2. Default: the answerer's own. */
  readonly temperature?: number | undefined;
  /** Whether to wait, within the time left, for a key to be free again where none is. Default: true. */
  readonly waitsForKey?: boolean | undefined;
  /** Told once what calls to the provider were billed for, also where nobody waits for the end; not at all where none was made. */
  readonly onUsage?: ((usage: Usage) => void) | undefined;
}

/**
 * Writes an answer to a question from passages: any number of texts, then one end.
 *
 * @throws {AnswererError} when there is no answer, or no more of it. Whoever stops reading early aborts the signal.
 */
export interface Answerer {
  answer(question: string, passages: readonly Passage[], options: AnswerOptions): AsyncIterable<AnswerEvent>;
}
