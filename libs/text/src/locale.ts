/** A BCP 47 language tag guessed from the script alone; "und" where the text has no letters. */
export type ScriptLocale = "ko" | "ja" | "zh" | "ru" | "ar" | "he" | "el" | "th" | "hi" | "en" | "und";

/** Enough of a text to know its script; the rest is seldom different and costs time. */
const sampleUnits = 4_000;

/**
 * Guesses a language from the script most letters are in. Latin text is "en", which is what segmenters and stemmers
 * here are made for. Text with Kana among its Han is "ja", with Hangul among its Han "ko".
 */
export function localeOf(text: string): ScriptLocale {
  const sample = text.length > sampleUnits ? text.slice(0, sampleUnits) : text;
  const { counts, met } = countLetters(sample);
  const countOf = (locale: ScriptLocale) => counts[locales.indexOf(locale)]!;
  let best: ScriptLocale = "und";
  let bestCount = 0;
  for (const index of met) if (counts[index]! > bestCount) [best, bestCount] = [locales[index]!, counts[index]!];
  if (best !== "zh") return best;
  const share = (locale: ScriptLocale) => countOf(locale) / bestCount;
  if (share("ja") > 0.1) return "ja";
  return share("ko") > 0.1 ? "ko" : "zh";
}

/** How many letters each locale has, by its place in `locales`, and those places in the order in which their first letters come. */
function countLetters(sample: string): { readonly counts: Uint32Array; readonly met: readonly number[] } {
  const counts = new Uint32Array(locales.length);
  const met: number[] = [];
  for (let at = 0; at < sample.length; at += 1) {
    const codePoint = sample.codePointAt(at)!;
    if (codePoint > 0xffff) at += 1;
    const index = codePoint < tableSize ? localeTable[codePoint]! : localeIndexOf(codePoint);
    if (index === 0) continue;
    if (counts[index] === 0) met.push(index);
    counts[index]! += 1;
  }
  return { counts, met };
}

/** "und" is the first, so that a table of zeros says so. */
const locales: readonly ScriptLocale[] = ["und", "en", "ko", "zh", "ja", "el", "ru", "he", "ar", "hi", "th"];

/** [first, last, locale] of the blocks where a script's letters lie. */
const blocks: readonly (readonly [number, number, ScriptLocale])[] = [
  [0x61, 0x7a, "en"],
  [0x41, 0x5a, "en"],
  [0xac00, 0xd7a3, "ko"],
  [0x4e00, 0x9fff, "zh"],
  [0x3040, 0x30ff, "ja"],
  [0xc0, 0x24f, "en"],
  [0x370, 0x3ff, "el"],
  [0x400, 0x52f, "ru"],
  [0x590, 0x5ff, "he"],
  [0x600, 0x6ff, "ar"],
  [0x900, 0x97f, "hi"],
  [0xe00, 0xe7f, "th"],
  [0x1100, 0x11ff, "ko"],
  [0x3130, 0x318f, "ko"],
  [0x3400, 0x4dbf, "zh"],
  [0x20000, 0x3134f, "zh"],
];

/** Every document is looked through for this: up to the end of Hangul a table says what else would be searched for among the blocks. */
const tableSize = 0xd7a4;
const localeTable = new Uint8Array(tableSize);
for (const [first, last, locale] of blocks)
  if (last < tableSize) localeTable.fill(locales.indexOf(locale), first, last + 1);

function localeIndexOf(codePoint: number): number {
  const block = blocks.find(([first, last]) => codePoint >= first && codePoint <= last);
  return block === undefined ? 0 : locales.indexOf(block[2]);
}
