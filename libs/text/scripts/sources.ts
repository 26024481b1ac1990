import { readFileSync } from "node:fs";

/** How often something is met, per word of running text. */
export type Frequencies = Map<string, number>;

/** symspellpy's frequency_dictionary_en_82_765.txt: a word and its count on each line, most frequent first. */
export function readEnglishWords(path: string): Frequencies {
  const counts: Frequencies = new Map();
  let total = 0;
  for (const line of readFileSync(path, "utf8")
    .replace(/^\ufeff/, "")
    .split("\n")) {
    const [word, count] = line.trim().split(" ");
    if (word === undefined || count === undefined) continue;
    counts.set(word, Number(count));
    total += Number(count);
  }
  return perWord(counts, total);
}

/** How often characters in a row are met, from the counts of a language detector. */
export interface KoreanProfile {
  /** Syllables and pairs of syllables, anywhere within words. */
  readonly grams: Frequencies;
  /** What terms() makes of Korean: pairs, and syllables that stand alone. */
  readonly terms: Frequencies;
}

const syllables = /^[\uac00-\ud7a3]+$/;

/** langdetect's profiles/ko: {"freq": {gram: count}}, one to three characters, spaces included; the rarest gram was met 57 times. */
export function readKoreanProfile(path: string): KoreanProfile {
  const { freq } = JSON.parse(readFileSync(path, "utf8")) as { freq: Record<string, number> };
  const counted = Object.entries(freq);
  let words = 0;
  const single: Frequencies = new Map();
  const pairs: Frequencies = new Map();
  const inPairs = { first: new Map<string, number>(), second: new Map<string, number>() };
  for (const [gram, count] of counted) {
    if (gram.length === 2 && gram[0] === " " && syllables.test(gram[1]!)) words += count;
    if (!syllables.test(gram)) continue;
    if (gram.length === 1) single.set(gram, count);
    if (gram.length !== 2) continue;
    pairs.set(gram, count);
    add(inPairs.first, gram[0]!, count);
    add(inPairs.second, gram[1]!, count);
  }
  // A syllable stands alone at most as often as it has no syllable before it, and none after it.
  const alone = Array.from(single, ([syllable, count]): [string, number] => {
    const inPair = Math.max(inPairs.first.get(syllable) ?? 0, inPairs.second.get(syllable) ?? 0);
    return [syllable, Math.max(1, count - inPair)];
  });
  return {
    grams: perWord(new Map([...single, ...pairs]), words),
    terms: perWord(new Map([...alone, ...pairs]), words),
  };
}

/**
 * Numbers are in neither source. By order of magnitude: of a thousand words of prose one is a given digit, of fourteen
 * thousand a given number of two digits, of fifty thousand a given year. Longer numbers are as rare as it gets.
 */
export function numberFrequencies(): Frequencies {
  const frequencies: Frequencies = new Map();
  for (let number = 0; number < 10; number += 1) frequencies.set(String(number), 1e-3);
  for (let number = 10; number < 100; number += 1) frequencies.set(String(number), 7e-5);
  for (let year = 1500; year < 2100; year += 1) frequencies.set(String(year), 2e-5);
  return frequencies;
}

export function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function perWord(counts: Frequencies, words: number): Frequencies {
  return new Map(Array.from(counts, ([key, count]) => [key, count / words]));
}
