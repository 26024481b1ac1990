import type { Answerer, AnswerEnd, AnswerEvent, Citation, Passage } from "./answerer.ts";
import { noAnswerText } from "./no-answer.ts";
import { bestQuotes, type Quote } from "./quotes.ts";
import { holdAnAnswer } from "./refusal.ts";

const MAX_PASSAGES = 20;
/** UTF-16 units of all passages that are read; some 10 ms. */
const MAX_READ_UNITS = 64_000;

/** A reference mark of the document's own, such as `[12]`, which would read as a citation of this answer. */
const ownMark = /\s?\[\d{1,3}\]/g;

/**
 * Answers without a model: quotes the one to three sentences that cover the question best, each with its citation, or
 * says that the documents hold no answer. Pure; sees nothing but the question and the passages.
 *
 * For a section whose instruction is in the caller's own words, sentences are chosen by those too; an instruction about length and form
 * says nothing to it, so that such sections of one question hold the same sentences.
 */
export function createExtractiveAnswerer(): Answerer {
  return {
    async *answer(question, passages, { signal, section }): AsyncGenerator<AnswerEvent> {
      signal.throwIfAborted();
      const best = withinReach(passages);
      const topic = section?.topic ?? "";
      const asked = topic === "" ? question : `${question} ${topic}`;
      // Either may be what the passages speak of: "Tell me about the Normans" and "Who led them?".
      const isHeld = holdAnAnswer(question, best) || (topic !== "" && holdAnAnswer(topic, best));
      const quotes = isHeld ? inReadingOrder(bestQuotes(asked, best)) : [];
      if (quotes.length === 0) {
        yield { kind: "text", text: noAnswerText(question) };
        yield end("no-answer", []);
        return;
      }
      for (const [index, quote] of quotes.entries()) {
        yield {
          kind: "text",
          text: `${separator(quotes[index - 1], quote)}${asLine(quote.text)} [${quote.number}]`,
        };
      }
      yield end("stop", citationsOf(quotes, passages));
    },
  };
}

/** A sentence as a line of its own: without the document's own reference marks, and without the line breaks of its source. */
const asLine = (text: string): string => text.replace(ownMark, "").replace(/\s*\n\s*/g, " ");

/** The passages at the top of the ranking. Those below hardly hold the best sentence, and reading them would hold up other calls. */
function withinReach(passages: readonly Passage[]): readonly Passage[] {
  let unitsLeft = MAX_READ_UNITS;
  const first = passages.slice(0, MAX_PASSAGES);
  const beyond = first.findIndex(({ text }, index) => (unitsLeft -= text.length) < 0 && index > 0);
  return beyond < 0 ? first : first.slice(0, beyond);
}

const end = (finishReason: "stop" | "no-answer", citations: readonly Citation[]): AnswerEnd => ({
  kind: "end",
  finishReason,
  citations,
  answerer: { kind: "extractive" },
  degradations: [],
});

/** The best quote's passage first; within a passage as the document has them. */
function inReadingOrder(quotes: readonly Quote[]): Quote[] {
  const rank = new Map<number, number>();
  for (const { number } of quotes) if (!rank.has(number)) rank.set(number, rank.size);
  return quotes.toSorted(
    (one, other) => rank.get(one.number)! - rank.get(other.number)! || one.span.start - other.span.start,
  );
}

/** Quotes of one passage read on; those of another begin a line. */
function separator(before: Quote | undefined, quote: Quote): string {
  if (before === undefined) return "";
  return before.number === quote.number ? " " : "\n";
}

function citationsOf(quotes: readonly Quote[], passages: readonly Passage[]): Citation[] {
  const byNumber = Map.groupBy(quotes, ({ number }) => number);
  return [...byNumber]
    .map(([number, own]) => {
      const { text, span } = own[0]!.part;
      return { number, passage: passages[number - 1]!, text, span, highlights: own.map((quote) => quote.span) };
    })
    .sort((one, other) => one.number - other.number);
}
