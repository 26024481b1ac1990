import type { WordFrequencies } from "./centibel-list.ts";

/** Share of morphemes that follow another one within a word as it is written (a noun and its particle, a stem and its ending). */
const joinedShare = 0.5;
const hangul = /^[\uac00-\ud7a3]+$/;

/**
 * wordfreq counts Korean morphemes (은행 + 은), while documents write words (은행은). Adds the pairs of syllables that
 * meet where two morphemes join, with the frequency they would have if any morpheme followed any other:
 * share x P(a morpheme ends in x) x P(a morpheme begins with y). Pairs rarer than the list's rarest are left out.
 */
export function withKoreanJoints(morphemes: WordFrequencies): WordFrequencies {
  const ends = new Map<string, number>();
  const begins = new Map<string, number>();
  let total = 0;
  for (const [word, frequency] of morphemes) {
    if (!hangul.test(word)) continue;
    total += frequency;
    ends.set(word.at(-1)!, (ends.get(word.at(-1)!) ?? 0) + frequency);
    begins.set(word[0]!, (begins.get(word[0]!) ?? 0) + frequency);
  }
  const joined = new Map(morphemes);
  for (const [last, ending] of ends) {
    for (const [first, beginning] of begins) {
      const frequency = (joinedShare * ending * beginning) / total;
      const pair = last + first;
      if (frequency >= 1e-6) joined.set(pair, (joined.get(pair) ?? 0) + frequency);
    }
  }
  return joined;
}
