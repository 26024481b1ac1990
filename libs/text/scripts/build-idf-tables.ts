// Makes data/terms.idf and data/grams.idf from the word lists of wordfreq. See data/README.md.
// Usage: node --conditions=@quartet/source scripts/build-idf-tables.ts FOLDER   (wordfreq/data of the unpacked wheel)
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { forEachGramOfRun } from "../src/grams.ts";
import { hashString } from "../src/hash.ts";
import { writeIdfTable, type IdfEntry } from "../src/idf-table.ts";
import { foldCase, forEachRun } from "../src/runs.ts";
import { terms } from "../src/terms.ts";
import { readCentibelList, type WordFrequencies } from "./centibel-list.ts";
import { withKoreanJoints } from "./korean-joints.ts";

/** Words in the passage whose idf is told: about what a chunk of a document has. */
const wordsPerPassage = 100;

const folder = process.argv[2];
if (folder === undefined) throw new Error("say where the word lists are: build-idf-tables.ts FOLDER");
const english = readCentibelList(join(folder, "large_en.msgpack.gz"));
const korean = withKoreanJoints(readCentibelList(join(folder, "small_ko.msgpack.gz")));

write("terms", { groups: 8_192, maximumIdf: 9 }, (word, add) => {
  for (const term of terms(word)) add(hashString(term));
});
write("grams", { groups: 16_384, maximumIdf: 9 }, (word, add) => {
  forEachRun(foldCase(word), (run, kind) => forEachGramOfRun(run, kind, add));
});

function write(
  name: string,
  size: { groups: number; maximumIdf: number },
  keysOf: (word: string, add: (hash: number) => void) => void,
): void {
  const perToken = new Map<number, number>();
  for (const list of [english, korean]) {
    const ofList = frequenciesOfKeys(list, keysOf);
    // A key of both languages is judged by the language where it is common.
    for (const [hash, frequency] of ofList) perToken.set(hash, Math.max(perToken.get(hash) ?? 0, frequency));
  }
  const entries = Array.from(perToken, ([hash, frequency]): IdfEntry => ({ hash, idf: idfOf(frequency) }));
  const bytes = writeIdfTable(entries, size);
  writeFileSync(new URL(`../data/${name}.idf`, import.meta.url), bytes);
  const kept = entries.filter(({ idf }) => idf < size.maximumIdf).length;
  process.stdout.write(`${name}: ${entries.length} keys, ${kept} below the maximum, ${bytes.length} bytes\n`);
}

/** Expected occurrences of each key per token of the language; a key twice in a word counts once. */
function frequenciesOfKeys(
  list: WordFrequencies,
  keysOf: (word: string, add: (hash: number) => void) => void,
): Map<number, number> {
  const frequencies = new Map<number, number>();
  for (const [word, frequency] of list) {
    const keys = new Set<number>();
    keysOf(word, (hash) => keys.add(hash));
    for (const key of keys) frequencies.set(key, (frequencies.get(key) ?? 0) + frequency);
  }
  return frequencies;
}

/** -ln of the chance that a passage has a key of this frequency, where tokens are drawn independently. */
function idfOf(frequency: number): number {
  return -Math.log(-Math.expm1(-frequency * wordsPerPassage));
}
