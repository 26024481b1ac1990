/** Two sentences that share this much of their words say the same. */
const LEAST_SHARED = 0.9;

/** Words that turn a sentence's meaning: where only these differ, the sentences do not say the same. */
const TURNS_MEANING = /\p{N}|^(?:no|not|nor|never|none|neither|without|cannot|un\w+|\w+n['’]t)$|[않못없안불미비무]/u;

/** The distinct words of a sentence, stop words included: "is" and "is not" differ in nothing else. */
export type Words = ReadonlySet<string>;

/** The words to compare sentences by: lower case, compatibility forms made plain, without punctuation. */
export function wordsOf(sentence: string): Words {
  return new Set(
    sentence
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+(?:['’]\p{L}+)?/gu) ?? [],
  );
}

/**
 * Whether two sentences say the same: nine tenths of their words in common, and no number or negation among the others.
 * Sentences without words (rules, bullets) equal each other.
 */
export function isNearDuplicate(left: Words, right: Words): boolean {
  const [small, large] = left.size <= right.size ? [left, right] : [right, left];
  if (small.size < LEAST_SHARED * large.size) return false;
  let shared = 0;
  for (const word of small) if (large.has(word)) shared += 1;
  if (shared < LEAST_SHARED * (small.size + large.size - shared)) return false;
  return !turnsMeaning(small, large) && !turnsMeaning(large, small);
}

/** Whether a word that only the first has changes what is said. */
function turnsMeaning(words: Words, others: Words): boolean {
  for (const word of words) if (!others.has(word) && TURNS_MEANING.test(word)) return true;
  return false;
}

/** Remembers sentences, and knows which say what an earlier one said. */
export interface DuplicateFilter {
  /** Whether nothing like it was remembered; then it is from now on. */
  remember(sentence: string): boolean;
}

/**
 * Compares a sentence with few of those remembered: in any fixed order of words, two sets that share nine tenths share a word among the
 * first tenth (and one more) of each. Prefix filtering, after Chaudhuri et al. 2006, "A Primitive Operator for Similarity Joins in Data Cleaning".
 */
export function createDuplicateFilter(): DuplicateFilter {
  const byPrefixWord = new Map<string, Words[]>();
  return {
    remember: (sentence) => {
      const words = wordsOf(sentence);
      const prefix = prefixOf(words);
      if (prefix.some((word) => byPrefixWord.get(word)?.some((other) => isNearDuplicate(words, other)))) return false;
      for (const word of prefix) {
        const others = byPrefixWord.get(word);
        if (others === undefined) byPrefixWord.set(word, [words]);
        else others.push(words);
      }
      return true;
    },
  };
}

/** The longest words first: they are the rarest, and lead to the fewest comparisons. */
function prefixOf(words: Words): string[] {
  if (words.size === 0) return [""];
  const sorted = [...words].sort((left, right) => right.length - left.length || (left < right ? -1 : 1));
  return sorted.slice(0, words.size - Math.ceil(LEAST_SHARED * words.size) + 1);
}
