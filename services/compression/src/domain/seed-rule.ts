import { codePointLength, sentences, truncateToGraphemes } from "@quartet/text";
import { assemble, keepWhole } from "./assemble.ts";
import type { TextPart } from "./assemble.ts";
import type { KeptPassage, RankedPassage } from "./types.ts";

const SENTENCES_WHEN_OVER = 2;

/**
 * The rule that Quartet's predecessor had: whole passages, best first, as long as they fit; of one that does not, its first two
 * sentences; what is then still over is cut between two graphemes.
 *
 * @param passages best first, all of them to be used.
 * @returns what is left, `index` being the place in `passages`; at most `maxCharCount` code points in all.
 */
export function seedRule(
  passages: readonly RankedPassage[],
  { maxCharCount }: { readonly maxCharCount: number },
): KeptPassage[] {
  const kept: KeptPassage[] = [];
  let left = maxCharCount;
  for (const [index, { text }] of passages.entries()) {
    const passage = codePointLength(text) <= left ? keepWhole(index, text) : beginning(index, text, left);
    if (passage.charCount === 0) continue;
    kept.push(passage);
    left -= passage.charCount;
  }
  return kept;
}

function beginning(index: number, text: string, maxCharCount: number): KeptPassage {
  const parts: TextPart[] = [];
  let left = maxCharCount;
  for (const sentence of sentences(text).slice(0, SENTENCES_WHEN_OVER)) {
    const room = left - (parts.length > 0 ? 1 : 0);
    const cut = truncateToGraphemes(sentence.text, room).trimEnd();
    const charCount = codePointLength(cut);
    if (charCount === 0) break;
    parts.push({ text: cut, start: sentence.start, end: sentence.start + charCount });
    left = room - charCount;
  }
  return assemble(index, text, parts);
}
