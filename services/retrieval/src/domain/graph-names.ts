import { foldWord, stemsBeforeParticles, stopWords } from "@quartet/text";

/**
 * How names are found in texts: a text is cut into words, and each run of up to `maxNameWords` words is looked up among the names by one string,
 * its key. So a name is never found inside a word, looking costs O(text) however many names there are, and the names can lie wherever strings can be
 * looked up. Of names that begin at the same word the longest is taken, and the search goes on behind it.
 *
 * The last word of a run may carry what stands after a name: particles in Korean, a possessive or plural in alphabets. Each character of Han and
 * Kana, written without spaces, is a word of its own.
 */

/** Words of a name beyond these are not compared. */
export const maxNameWords = 12;

/** A key has no more UTF-16 units, so that an index can hold it. */
const maxKeyUnits = 256;

/** Marks a key that is compared letter by letter. A folded word never begins with it. */
const asWritten = "=";

interface Word {
  /** In NFKC. */
  readonly written: string;
  readonly folded: string;
}

/** An acronym with stops; a character of Han or Kana; letters and digits with what belongs to them, as in O'Neill and C++. */
const wordPattern =
  /\p{L}(?:\.\p{L})+(?![\p{L}\p{N}])|[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー]|[[\p{L}\p{N}\p{M}]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー]]+(?:['’][\p{L}--\p{sc=Hangul}]+)*(?:\+{1,2}|#)?/gv;

function wordsOf(text: string): Word[] {
  return Array.from(text.normalize("NFKC").matchAll(wordPattern), ([match]) => {
    const written = match.includes(".") ? match.replaceAll(".", "") : match.replaceAll("’", "'");
    return { written, folded: foldWord(written) };
  });
}

const articles: ReadonlySet<string> = new Set(["the", "a", "an"]);

/** Words of English that are somebody's name only where they are written like it: IT, US, Who. */
const commonWords: ReadonlySet<string> = new Set([
  ...stopWords,
  ...[
    "us",
    "may",
    "might",
    "will",
    "all",
    "any",
    "one",
    "two",
    "new",
    "now",
    "out",
    "up",
    "over",
    "more",
    "most",
    "some",
    "other",
    "only",
    "own",
    "same",
  ],
]);

/**
 * The key by which a name is looked up; undefined where it cannot be looked for in texts: without letters and digits, of a single character, or a
 * common word in lower case. Names that differ in case, accents, punctuation, a leading article or beyond 12 words share a key.
 */
export function nameKey(name: string): string | undefined {
  const words = wordsOf(name);
  const first = words.length > 1 && articles.has(words[0]!.folded) ? 1 : 0;
  if (words.length - first > 1) {
    return keyOf(words.slice(first, first + maxNameWords).map(({ folded }) => folded));
  }
  const only = words[first];
  return only === undefined ? undefined : singleKey(only.written, only.folded);
}

/** How many words a key has, as `mentionCandidates` counts them. */
export const wordCountOf = (key: string): number => key.split(" ").length;

function keyOf(words: readonly string[]): string {
  return bounded(words.join(" "));
}

function bounded(key: string): string {
  return key.length <= maxKeyUnits ? key : key.slice(0, maxKeyUnits).toWellFormed();
}

function singleKey(written: string, folded: string): string | undefined {
  if (folded.length < 2 || (folded.length === 2 && folded.codePointAt(0)! > 0xffff)) return undefined;
  if (!commonWords.has(folded)) return bounded(folded);
  return written === folded ? undefined : bounded(asWritten + written);
}

/** Every key that a name mentioned in the text could have, where no name has more words than `maxWords`. */
export function mentionCandidates(text: string, maxWords: number): ReadonlySet<string> {
  const words = wordsOf(text);
  const candidates = new Set<string>();
  for (let start = 0; start < words.length; start += 1) {
    forEachKey(words, start, maxWords, (key) => candidates.add(key));
  }
  return candidates;
}

/** The keys of the names that the text mentions, each once, in the order in which they come. */
export function mentionedNames(text: string, maxWords: number, isName: (key: string) => boolean): readonly string[] {
  const words = wordsOf(text);
  const found = new Set<string>();
  for (let start = 0; start < words.length;) {
    let longest = 0;
    let name = "";
    forEachKey(words, start, maxWords, (key, length) => {
      if (length === longest || !isName(key)) return;
      longest = length;
      name = key;
    });
    if (longest > 0) found.add(name);
    start += Math.max(1, longest);
  }
  return [...found];
}

/**
 * Visits the keys that the runs of words from `start` on could be: shorter runs first, and each as it is before it is without what follows the name.
 */
function forEachKey(
  words: readonly Word[],
  start: number,
  maxWords: number,
  visit: (key: string, wordCount: number) => void,
): void {
  const { written, folded } = words[start]!;
  for (const form of [folded, ...bareForms(folded)]) {
    const key = singleKey(written.slice(0, form.length), form);
    if (key !== undefined) visit(key, 1);
  }
  const end = Math.min(words.length, start + Math.min(maxWords, maxNameWords));
  let before = `${folded} `;
  for (let index = start + 1; index < end; index += 1) {
    const last = words[index]!.folded;
    visit(bounded(before + last), index - start + 1);
    for (const form of bareForms(last)) visit(bounded(before + form), index - start + 1);
    before += `${last} `;
  }
}

const none: readonly string[] = [];

/** What a name may have been before it was put into a sentence, the longest first. */
function bareForms(word: string): readonly string[] {
  if (word.charCodeAt(word.length - 1) > 0x7f) return stemsBeforeParticles(word);
  if (word.endsWith("'s")) return [word.slice(0, -2)];
  if (!word.endsWith("s") || word.length < 4 || word.endsWith("ss")) return none;
  const singular = word.slice(0, -1);
  return /(?:[sxz]|ch|sh)es$/.test(word) ? [singular, word.slice(0, -2)] : [singular];
}
