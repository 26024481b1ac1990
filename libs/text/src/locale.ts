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
  const counts = scriptCounts(sample);
  let best: ScriptLocale = "und";
  let bestCount = 0;
  for (const [locale, count] of counts) {
    if (count > bestCount) [best, bestCount] = [locale, count];
  }
  if (best !== "zh") return best;
  const share = (locale: ScriptLocale) => (counts.get(locale) ?? 0) / bestCount;
  if (share("ja") > 0.1) return "ja";
  return share("ko") > 0.1 ? "ko" : "zh";
}

function scriptCounts(sample: string): Map<ScriptLocale, number> {
  const counts = new Map<ScriptLocale, number>();
  for (const character of sample) {
    const locale = localeOfCodePoint(character.codePointAt(0)!);
    if (locale !== "und") counts.set(locale, (counts.get(locale) ?? 0) + 1);
  }
  return counts;
}

/** [first, last, locale] of the blocks where a script's letters lie, by how often they are met here. */
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

function localeOfCodePoint(codePoint: number): ScriptLocale {
  for (const [first, last, locale] of blocks) if (codePoint >= first && codePoint <= last) return locale;
  return "und";
}
