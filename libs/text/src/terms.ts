import { stem } from "porter2";
import { withoutAccents } from "./fold-word.ts";
import { foldCase, forEachRun } from "./runs.ts";
import { stopWords } from "./stop-words.ts";

/**
 * The terms of a text, in order, repeated as often as they occur: what BM25 indexes and looks up.
 *
 * Words of alphabets are case-folded, without stop words, stemmed with Porter2 (snowballstem.org, "english") where they
 * are of ASCII letters, and without accents where they are Latin. Numbers stay, without thousands separators. Runs of
 * Hangul, Han and Kana become overlapping pairs of characters, a single character where the run has only one.
 * The same text always gives the same terms; text in any Unicode normal form gives those of its NFC form.
 */
export function terms(text: string): string[] {
  const found: string[] = [];
  forEachRun(foldCase(text), (run, kind) => {
    if (kind === "word") {
      const term = knownTerm(run);
      if (term !== "") found.push(term);
    } else {
      pushPairs(run, found);
    }
  });
  return found;
}

const asciiLetters = /^[a-z]+$/;
const digitsOnly = /^[\d.,]+$/;
/** Longer "words" are data (base64, hashes, addresses): kept by their beginning, so that the vocabulary stays bounded. */
const maxWordUnits = 64;

const acronym = /^(?:\p{L}\.)+\p{L}$/u;

/** Terms of the words met last: texts of one language share most of theirs, and stemming takes longer than finding the words. */
const known = new Map<string, string>();
const maxKnown = 20_000;
/** Longer words are rare; and parts of a text that are longer keep all of it in memory (V8 copies shorter ones). */
const maxKnownUnits = 12;

function knownTerm(run: string): string {
  if (run.length > maxKnownUnits) return wordTerm(run);
  let term = known.get(run);
  if (term === undefined) {
    if (known.size === maxKnown) known.clear();
    known.set(run, (term = wordTerm(run)));
  }
  return term;
}

/** The term of one word, or "" where it is a stop word. */
function wordTerm(run: string): string {
  if (asciiLetters.test(run)) return stopWords.has(run) || run.length > maxWordUnits ? longWord(run) : stem(run);
  if (digitsOnly.test(run)) return run.replaceAll(",", "").slice(0, maxWordUnits);
  if (acronym.test(run)) return run.replaceAll(".", "");
  const word = withoutAccents(run.replace(/['’]s$/, "")).replace(/['’]/g, "");
  if (stopWords.has(word)) return "";
  return asciiLetters.test(word) && word.length <= maxWordUnits ? stem(word) : word.slice(0, maxWordUnits);
}

function longWord(word: string): string {
  return word.length > maxWordUnits ? word.slice(0, maxWordUnits) : "";
}

function pushPairs(run: string, found: string[]): void {
  const characters = isOneUnitEach(run) ? run : Array.from(run);
  if (characters.length === 1) {
    found.push(characters[0]!);
    return;
  }
  for (let index = 0; index + 1 < characters.length; index += 1) {
    found.push(characters[index]! + characters[index + 1]!);
  }
}

function isOneUnitEach(run: string): boolean {
  return !/[\ud800-\udfff]/.test(run);
}
