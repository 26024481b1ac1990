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
  return words.join(" ").slice(0, maxKeyUnits).toWellFormed();
}

function singleKey(written: string, folded: string): string | undefined {
  if (folded.length < 2 || [...folded].length < 2) return undefined;
  if (!commonWords.has(folded)) return keyOf([folded]);
  return written === folded ? undefined : keyOf([asWritten + written]);
}

/** Every key that a name mentioned in the text could have, where no name has more words than `maxWords`. */
export function mentionCandidates(text: string, maxWords: number): ReadonlySet<string> {
  const words = wordsOf(text);
  const candidates = new Set<string>();
  for (let start = 0; start < words.length; start += 1) {
    for (const keys of runsAt(words, start, maxWords)) for (const key of keys) candidates.add(key);
  }
  return candidates;
}

/** The keys of the names that the text mentions, each once, in the order in which they come. */
export function mentionedNames(text: string, maxWords: number, isName: (key: string) => boolean): readonly string[] {
  const words = wordsOf(text);
  const found = new Set<string>();
  for (let start = 0; start < words.length;) {
    const runs = [...runsAt(words, start, maxWords)].reverse();
    const longest = runs.findIndex((keys) => keys.some(isName));
    if (longest >= 0) found.add(runs[longest]!.find(isName)!);
    start += longest < 0 ? 1 : runs.length - longest;
  }
  return [...found];
}

/** Of each run of words from `start` on, shortest first, the keys that it could be: as it is, then without what follows the name. */
function* runsAt(words: readonly Word[], start: number, maxWords: number): Generator<readonly string[]> {
  const end = Math.min(words.length, start + Math.min(maxWords, maxNameWords));
  let before = "";
  for (let index = start; index < end; index += 1) {
    const { written, folded } = words[index]!;
    const bare = bareForms(folded);
    yield index === start
      ? [folded, ...bare].flatMap((form) => singleKey(written.slice(0, form.length), form) ?? [])
      : [folded, ...bare].map((form) => keyOf([before + form]));
    before += `${folded} `;
    if (before.length > maxKeyUnits) before = before.slice(0, maxKeyUnits);
  }
}

/** What a name may have been before it was put into a sentence, the longest first. */
function bareForms(word: string): readonly string[] {
  const stems = stemsBeforeParticles(word);
  if (stems.length > 0) return stems;
  if (word.endsWith("'s")) return [word.slice(0, -2)];
  if (!word.endsWith("s") || word.length < 4 || word.endsWith("ss")) return stems;
  const singular = word.slice(0, -1);
  return /(?:[sxz]|ch|sh)es$/.test(word) ? [singular, word.slice(0, -2)] : [singular];
}
