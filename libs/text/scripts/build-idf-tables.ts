// Makes data/terms.idf and data/grams.idf. Sources, licences and how to run this: data/README.md.
import { writeFileSync } from "node:fs";
import { forEachGramOfRun } from "../src/grams.ts";
import { hashString } from "../src/hash.ts";
import { writeIdfTable, type IdfEntry } from "../src/idf-table.ts";
import { foldCase, forEachRun } from "../src/runs.ts";
import { terms } from "../src/terms.ts";
import { add, numberFrequencies, readEnglishWords, readKoreanProfile, type Frequencies } from "./sources.ts";

/** The passage whose idf is told: as much as one has in either language where both say the same. */
const wordsPerPassage = { english: 100, korean: 70 };

const [englishPath, koreanPath] = process.argv.slice(2);
if (englishPath === undefined || koreanPath === undefined) {
  throw new Error("usage: build-idf-tables.ts FREQUENCY_DICTIONARY_EN KOREAN_PROFILE");
}
const english = readEnglishWords(englishPath);
const korean = readKoreanProfile(koreanPath);

const termEntries = [
  ...entriesOf(frequenciesOf(english, terms), wordsPerPassage.english),
  ...entriesOf(numberFrequencies(), wordsPerPassage.english),
  ...entriesOf(korean.terms, wordsPerPassage.korean),
];
write("terms", termEntries, { groups: 6_144, maximumIdf: 9 });

const gramEntries = [
  ...entriesOfHashes(gramFrequencies(english), wordsPerPassage.english),
  ...entriesOf(korean.grams, wordsPerPassage.korean),
];
write("grams", gramEntries, { groups: 16_384, maximumIdf: 8 });

/** What the words of a list are made into, each key counted once a word. */
function frequenciesOf(words: Frequencies, keysOf: (word: string) => readonly string[]): Frequencies {
  const frequencies: Frequencies = new Map();
  for (const [word, frequency] of words) {
    for (const key of new Set(keysOf(word))) add(frequencies, key, frequency);
  }
  return frequencies;
}

function gramFrequencies(words: Frequencies): Map<number, number> {
  const frequencies = new Map<number, number>();
  for (const [word, frequency] of words) {
    const hashes = new Set<number>();
    forEachRun(foldCase(word), (run, kind) => forEachGramOfRun(run, kind, (hash) => hashes.add(hash)));
    for (const hash of hashes) frequencies.set(hash, (frequencies.get(hash) ?? 0) + frequency);
  }
  return frequencies;
}

function entriesOf(frequencies: Frequencies, words: number): IdfEntry[] {
  return Array.from(frequencies, ([key, frequency]) => ({ hash: hashString(key), idf: idfOf(frequency, words) }));
}

function entriesOfHashes(frequencies: ReadonlyMap<number, number>, words: number): IdfEntry[] {
  return Array.from(frequencies, ([hash, frequency]) => ({ hash, idf: idfOf(frequency, words) }));
}

/** -ln of the chance that a passage of so many words has the key, were words drawn independently. */
function idfOf(frequency: number, words: number): number {
  return -Math.log(-Math.expm1(-frequency * words));
}

function write(name: string, entries: readonly IdfEntry[], size: { groups: number; maximumIdf: number }): void {
  const bytes = writeIdfTable(entries, size);
  writeFileSync(new URL(`../data/${name}.idf`, import.meta.url), bytes);
  const below = entries.filter(({ idf }) => idf < size.maximumIdf).length;
  process.stdout.write(`${name}: ${below} of ${entries.length} keys below the maximum, ${bytes.length} bytes\n`);
}
