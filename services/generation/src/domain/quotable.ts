import { createOffsetMap, type Sentence } from "@quartet/text";

/** A Markdown code block; one that the passage's end cuts off counts as well. */
const codeBlock = /^ {0,3}(```|~~~)[^\n]*\n[\s\S]*?(?:^ {0,3}\1[^\n]*$|$(?![\s\S]))/gm;
/** The end of a code block whose beginning lies before the passage looks like a beginning; nothing is quoted behind it, which is rarely wrong. */
const heading = /^ {0,3}#{1,6}\s/;
const notWord = /[^\p{L}\p{N}]+/gu;
/** A question shorter than this may well stand within its answer. */
const SHORTEST_ECHO = 12;

/**
 * Which sentences can be an answer: no headings, no code, and none that only repeats the question, as lists of questions and
 * examples do. These share the most words with a question and say nothing.
 */
export function createQuotable(question: string): (text: string, all: readonly Sentence[]) => Sentence[] {
  const asked = letters(question);
  const echoes = (text: string) => asked.length >= SHORTEST_ECHO && letters(text).includes(asked);
  return (text, all) => {
    const blocks = codeBlocksOf(text);
    return all.filter(
      (each) =>
        !heading.test(each.text) &&
        !blocks.some(({ start, end }) => each.start < end && each.end > start) &&
        !echoes(each.text),
    );
  };
}

const letters = (text: string): string => text.toLowerCase().replace(notWord, "");

/** In code points, as sentences are. */
function codeBlocksOf(text: string): { readonly start: number; readonly end: number }[] {
  const found = [...text.matchAll(codeBlock)];
  if (found.length === 0) return [];
  const offsets = createOffsetMap(text);
  return found.map((match) => ({
    start: offsets.toCodePoint(match.index),
    end: offsets.toCodePoint(match.index + match[0].length),
  }));
}
