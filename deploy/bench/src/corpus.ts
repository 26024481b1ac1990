import { createRandom } from "./random.ts";

/** A document as PutDocuments takes it. */
export interface BenchDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** Documents, and questions that share words with them. */
export interface BenchCorpus {
  readonly documents: readonly BenchDocument[];
  readonly queries: readonly string[];
}

const vocabularySize = 20_000;
const latin = [
  "ba",
  "co",
  "de",
  "fi",
  "gu",
  "ha",
  "in",
  "ko",
  "la",
  "mer",
  "no",
  "pre",
  "qui",
  "ro",
  "sta",
  "ti",
  "un",
  "ver",
];
const hangul = [
  ..."가나다라마바사아자차카타파하거너더러머버서어저처고노도로모보소오조초구누두루무부수우주추기니디리미비시이지치",
];

/**
 * Documents of one passage each, of about 120 words that follow Zipf's law as words of real text do; every fourth is Korean.
 * The same arguments give the same corpus.
 */
export function createBenchCorpus({
  documentCount,
  queryCount,
}: {
  documentCount: number;
  queryCount: number;
}): BenchCorpus {
  const random = createRandom(20_261_121);
  const words = { english: vocabulary(latin, 2, random), korean: vocabulary(hangul, 2, random) };
  const write = (language: keyof typeof words, count: number) =>
    Array.from({ length: count }, () => words[language][zipf(random)] ?? "").join(" ");
  const documents = Array.from({ length: documentCount }, (_, index) => {
    const language = index % 4 === 3 ? "korean" : "english";
    const sentences = Array.from({ length: 8 }, () => `${write(language, 12 + Math.floor(random() * 6))}.`);
    return { id: `bench-${index}`, title: write(language, 4), text: sentences.join(" ") };
  });
  const queries = Array.from({ length: queryCount }, (_, index) => {
    const source = documents[Math.floor(random() * documentCount)]?.text.split(" ") ?? [];
    const start = Math.floor(random() * Math.max(1, source.length - 9));
    return `${source.slice(start, start + 7).join(" ")} ${write(index % 4 === 3 ? "korean" : "english", 2)}`;
  });
  return { documents, queries };
}

function vocabulary(syllables: readonly string[], shortest: number, random: () => number): string[] {
  const syllable = () => syllables[Math.floor(random() * syllables.length)] ?? "";
  const words = new Set<string>();
  while (words.size < vocabularySize) {
    words.add(Array.from({ length: shortest + Math.floor(random() * 3) }, syllable).join(""));
  }
  return [...words];
}

/** A rank drawn with probability proportional to 1/rank, by inverting its cumulative distribution. */
const zipf = (random: () => number) =>
  Math.min(vocabularySize - 1, Math.floor(Math.exp(random() * Math.log(vocabularySize))) - 1);
