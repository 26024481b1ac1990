import { codePointLength } from "@quartet/text";
import type { Answerer, AnswerEnd, AnswerEvent, AnswerOptions, Passage, Usage } from "../answerer.ts";
import { AnswererError } from "../answerer-error.ts";
import { keptMs } from "../kept-time.ts";
import { modelCitations } from "../model-citations.ts";
import { addUsage } from "../usage.ts";
import { builtInInstructions, instructionFor, type Instructions } from "./instructions.ts";
import { mergeSources } from "./merge.ts";
import { endOfSections, type SectionsEnd, type WrittenSection } from "./outcomes.ts";
import { createPlaces, type Place, type Places } from "./places.ts";

/** One section to write. */
export interface SectionTask {
  /** Unique in its answer. */
  readonly name: string;
  /** In the caller's words; empty for what is configured for the name. */
  readonly instruction: string;
  /** Default: the answerer's own limit. */
  readonly maxOutputTokens?: number | undefined;
}

export type SectionsEvent =
  | { readonly kind: "section-text"; readonly section: string; readonly text: string }
  | { readonly kind: "section"; readonly section: WrittenSection }
  | SectionsEnd;

export type SectionsOptions = Omit<AnswerOptions, "section" | "maxOutputTokens" | "waitsForKey">;

export interface SectionedAnswererOptions {
  /** Writes each section. Told not to wait for a key, it fails with LLM_RATE_LIMIT where none is free. */
  readonly answerer: Answerer;
  /** What stands around it once all of its tries have failed, such as a fallback. Default: nothing. */
  readonly complete?: (answerer: Answerer) => Answerer;
  /** What to write in sections of which the caller says no more than the name. Default: the built-in ones. */
  readonly instructions?: Instructions;
  /** Told of each section that is whole: its length in code points, and the time from the call to its end. */
  readonly onWritten?: (section: { name: string; characters: number; elapsedMs: number }) => void;
  /** Told of each section that failed: no other place sees why. */
  readonly onFailed?: (name: string, error: unknown) => void;
  /** A clock that never goes back, in milliseconds. Default: `performance`. */
  readonly now?: () => number;
}

/** Writes several parts of an answer at once. */
export interface SectionedAnswerer {
  /**
   * Texts of sections as they come, one `section` for each when it is over, then one end. One that fails leaves the others.
   *
   * @throws {AnswererError} when every section failed. Whoever stops reading early aborts the signal.
   */
  answer(
    question: string,
    passages: readonly Passage[],
    tasks: readonly SectionTask[],
    options: SectionsOptions,
  ): AsyncGenerator<SectionsEvent, void, undefined>;
}

/**
 * Writes all sections at once over one answerer. One that is refused a key before its first text, while others are at work, waits for one of
 * them to end and is tried again; the end says so. The deadline is that of the whole answer.
 */
export function createSectionedAnswerer(options: SectionedAnswererOptions): SectionedAnswerer {
  const { answerer, complete = (whole) => whole, instructions = builtInInstructions } = options;
  const { onWritten, onFailed, now = () => performance.now() } = options;
  return {
    async *answer(question, passages, tasks, { timeoutMs = Infinity, ...shared }) {
      const startedAt = now();
      const places = createPlaces(tasks.length);
      const leftMs = () => timeoutMs - keptMs(timeoutMs) - (now() - startedAt);
      const writer = complete(inPlaces(answerer, places, leftMs));
      const all = tasks.map(({ name }) => name);
      const written: WrittenSection[] = [];

      async function* write({ maxOutputTokens, ...task }: SectionTask): AsyncGenerator<SectionsEvent> {
        const { name } = task;
        const topic = task.instruction.trim();
        const section = { name, instruction: instructionFor(task, question, instructions), topic, all };
        let text = "";
        let end: AnswerEnd | undefined;
        let failure: unknown;
        try {
          const wanted = { ...shared, section, maxOutputTokens, timeoutMs: leftMs() };
          for await (const event of writer.answer(question, passages, wanted)) {
            if (event.kind === "end") {
              end = event;
              continue;
            }
            text += event.text;
            yield { kind: "section-text", section: name, text: event.text };
          }
          if (end === undefined) throw new TypeError("The answerer gave no end.");
        } catch (error) {
          if (shared.signal.aborted) throw error;
          failure = error;
          onFailed?.(name, error);
        }
        const over = ended({ name, text, end, failure }, passages);
        written.push(over);
        if (end) onWritten?.({ name, characters: codePointLength(text), elapsedMs: now() - startedAt });
        yield { kind: "section", section: over };
      }

      yield* mergeSources(tasks.map(write));
      yield endOfSections(inOrder(written, all), places);
    },
  };
}

const inOrder = (written: readonly WrittenSection[], all: readonly string[]): WrittenSection[] =>
  written.toSorted((one, other) => all.indexOf(one.name) - all.indexOf(other.name));

interface Ended {
  readonly name: string;
  readonly text: string;
  readonly end: AnswerEnd | undefined;
  readonly failure: unknown;
}

function ended({ name, text, end, failure }: Ended, passages: readonly Passage[]): WrittenSection {
  if (end !== undefined) {
    const { citations, usage, finishReason } = end;
    return { name, text, citations, outcome: { finishReason, end }, usage };
  }
  const usage = failure instanceof AnswererError ? failure.usage : undefined;
  return { name, text, citations: modelCitations(text, passages), outcome: { failure }, usage };
}

/** What tries cost that were refused; undefined where no provider was asked. */
type Spent = Usage | undefined;

/** The answerer within its place: it begins when it has one, and where a key is refused to it, again with the next. */
function inPlaces(answerer: Answerer, places: Places, leftMs: () => number): Answerer {
  return {
    async *answer(question, passages, options): AsyncGenerator<AnswerEvent> {
      let spent: Spent;
      for (;;) {
        const place = await takeInTime(places, { signal: options.signal, leftMs: leftMs(), spent });
        let begun = false;
        try {
          const wanted = { ...options, timeoutMs: leftMs(), waitsForKey: place.isOnly };
          for await (const event of answerer.answer(question, passages, wanted)) {
            begun = true;
            place.begun();
            yield event.kind === "text" ? event : withUsage(event, addUsage(spent, event.usage));
          }
          return;
        } catch (error) {
          if (!(error instanceof AnswererError)) throw error;
          spent = addUsage(spent, error.usage);
          if (begun || place.isOnly || error.failure !== "LLM_RATE_LIMIT") throw withSpent(error, spent);
          place.refused(error.usage !== undefined);
        } finally {
          place.end();
        }
      }
    },
  };
}

/** @throws {AnswererError} OUT_OF_TIME when no place is free before the time is over. */
async function takeInTime(
  places: Places,
  { signal, leftMs, spent }: { readonly signal: AbortSignal; readonly leftMs: number; readonly spent: Spent },
): Promise<Place> {
  const waiting = new AbortController();
  const late = new AnswererError({ failure: "OUT_OF_TIME", usage: spent });
  if (leftMs <= 0) throw late;
  const timer = leftMs === Infinity ? undefined : setTimeout(() => waiting.abort(late), leftMs);
  try {
    return await places.take(AbortSignal.any([signal, waiting.signal]));
  } finally {
    clearTimeout(timer);
  }
}

const withUsage = (end: AnswerEnd, usage: Spent): AnswerEnd => (usage === undefined ? end : { ...end, usage });

function withSpent(error: AnswererError, usage: Spent): AnswererError {
  if (usage === error.usage) return error;
  const { failure, message, retryDelayMs, cause } = error;
  return new AnswererError({ failure, message, retryDelayMs, cause, usage });
}
