import { emptyHash, hashUnit, mix } from "./hash.ts";
import { foldCase, forEachRun, type RunKind } from "./runs.ts";

/**
 * Lengths of the n-grams of one kind of run, in characters. Three syllables of Hangul are too rare for any static table
 * to know which of them tell something; without them the Korean sets gained (deploy/decisions, text analysis).
 */
const gramLengths: Record<RunKind, { readonly shortest: number; readonly longest: number }> = {
  word: { shortest: 3, longest: 5 },
  hangul: { shortest: 1, longest: 2 },
  han: { shortest: 1, longest: 2 },
  kana: { shortest: 1, longest: 2 },
};

/**
 * Calls `visit` with the hash of every character n-gram of a text: 3 to 5 characters of each word with its beginning
 * and end marked (<, >), 1 or 2 of each run of Hangul, Han or Kana. Grams are repeated as often as they occur.
 */
export function forEachGram(text: string, visit: (hash: number) => void): void {
  forEachRun(foldCase(text), (run, kind) => forEachGramOfRun(run, kind, visit));
}

export function forEachGramOfRun(run: string, kind: RunKind, visit: (hash: number) => void): void {
  const padded = kind === "word" ? `<${run}>` : run;
  const { shortest, longest } = gramLengths[kind];
  for (let start = 0; start < padded.length; start += 1) {
    const end = Math.min(start + longest, padded.length);
    let state = emptyHash;
    for (let index = start; index < end; index += 1) {
      state = hashUnit(state, padded.charCodeAt(index));
      if (index - start + 1 >= shortest) visit(mix(state));
    }
  }
}
