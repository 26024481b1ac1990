/** What a form needs before it: a syllable that ends in a consonant, one that does not, or, as (으)로 does, none or ㄹ. */
type After = "any" | "consonant" | "vowel" | "vowel-or-rieul";

interface Particle {
  readonly form: string;
  readonly after: After;
  /** Where it stands among others: numbers never fall along a chain, and nothing follows `ending`. */
  readonly place: number;
}

/** 기업들+에서+만+은: who is meant, case, delimiter, and what ends a phrase. */
const place = { suffix: 1, case: 2, delimiter: 3, ending: 4 } as const;

const particles: readonly Particle[] = [
  ...forms(place.suffix, "any", "들 님 씨 측"),
  ...forms(
    place.case,
    "any",
    "에 에서 에게 에게서 한테 한테서 께 께서 에다 에다가 하고 처럼 만큼 보다 같이 대로 까지 부터 마다 더러",
  ),
  ...forms(place.case, "any", "에선 에겐 엔 한텐 께선 까진 부턴"),
  ...forms(place.case, "consonant", "과 이랑 으로 으로서 으로써 으로선 이라고"),
  ...forms(place.case, "vowel", "와 랑 라고"),
  ...forms(place.case, "vowel-or-rieul", "로 로서 로써 로선"),
  ...forms(place.delimiter, "any", "만 조차 마저 밖에 뿐"),
  ...forms(place.ending, "any", "의 도"),
  ...forms(place.ending, "consonant", "은 이 을 이나 이라도 이야말로 이든 이든지 이란 이라는 이라"),
  ...forms(place.ending, "vowel", "는 가 를 나 라도 야말로 든 든지 란 라는 라"),
  // The copula, as it stands after a name in a sentence.
  ...forms(
    place.ending,
    "any",
    "이다 이며 이고 인 인지 인가 인가요 입니다 입니까 이지만 이므로 이었다 이었던 이었고 이었으며 이면",
  ),
  ...forms(place.ending, "consonant", "이에요"),
  ...forms(place.ending, "vowel", "며 지만 므로 였다 였던 였고 였으며 였나 예요"),
];

function forms(at: number, after: After, list: string): Particle[] {
  return list.split(" ").map((form) => ({ form, after, place: at }));
}

const byLastCharacter = Map.groupBy(particles, ({ form }) => form.at(-1)!);
const maxChain = 4;

/**
 * What may stand before particles in a word of Korean (한국은행에서는: 한국은행에서, 한국은행), longest first; the word itself is not among it. Whether it is
 * a word of its own is for the caller to know: 고양이 gives 고양.
 *
 * Particles are case and topic markers, delimiters, the forms of the copula, and the suffixes 들, 님, 씨 and 측, in the orders in which they can follow
 * each other. Their forms must fit the syllable before (서울은, not 서울는); after a letter or digit, whose reading nobody knows, each fits.
 * The word is in NFC. Grammar: Sohn, The Korean Language (1999), 7.3 and 8.4.
 */
export function stemsBeforeParticles(word: string): string[] {
  if (!isSyllable(word, word.length - 1)) return [];
  const starts = new Set<number>();
  gather(word, word.length, place.ending, maxChain, starts);
  return [...starts].sort((left, right) => right - left).map((start) => word.slice(0, start));
}

/** Adds where chains that end before `end` begin. */
function gather(word: string, end: number, maxPlace: number, left: number, starts: Set<number>): void {
  if (left === 0) return;
  for (const { form, after, place: at } of byLastCharacter.get(word[end - 1]!) ?? []) {
    const start = end - form.length;
    if (at > maxPlace || start < 1 || !word.startsWith(form, start) || !fits(word, start - 1, after)) continue;
    starts.add(start);
    // Endings stand last; the others may stand beside their like (에서+부터).
    gather(word, start, Math.min(at, place.delimiter), left - 1, starts);
  }
}

const firstSyllable = 0xac00;
const lastSyllable = 0xd7a3;
/** Each combination of a consonant and a vowel comes with none of 27 final consonants, or one of them; the eighth is ㄹ. */
const finals = 28;
const rieul = 8;

function isSyllable(word: string, index: number): boolean {
  const unit = word.charCodeAt(index);
  return unit >= firstSyllable && unit <= lastSyllable;
}

function fits(word: string, index: number, after: After): boolean {
  if (after === "any" || !isSyllable(word, index)) return true;
  const final = (word.charCodeAt(index) - firstSyllable) % finals;
  if (after === "vowel-or-rieul") return final === 0 || final === rieul;
  // People do write 서울으로, though the rule wants 서울로.
  return (after === "consonant") === (final !== 0);
}
