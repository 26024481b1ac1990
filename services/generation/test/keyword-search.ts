import { terms } from "@quartet/text";
import type { Passage } from "../src/domain/answerer.ts";
import { passageParts } from "../src/domain/passage-parts.ts";

export interface TestDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

const K1 = 1.2;
const B = 0.75;

/** BM25 in Lucene's form over whole documents: a stand-in for the retrieval service, which this package never imports. */
export function createKeywordSearch(
  documents: readonly TestDocument[],
): (question: string, count: number) => Passage[] {
  const postings = new Map<string, Map<number, number>>();
  const lengths = documents.map(({ title, text }, index) => {
    const found = [...terms(title), ...terms(text)];
    for (const term of found) {
      const counts = postings.get(term) ?? new Map<number, number>();
      postings.set(term, counts.set(index, (counts.get(index) ?? 0) + 1));
    }
    return found.length;
  });
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;

  return (question, count) => {
    const scores = new Map<number, number>();
    for (const counts of terms(question).map((term) => postings.get(term) ?? new Map<number, number>())) {
      const idf = Math.log(1 + (documents.length - counts.size + 0.5) / (counts.size + 0.5));
      for (const [index, frequency] of counts) {
        const norm = K1 * (1 - B + (B * lengths[index]!) / mean);
        scores.set(index, (scores.get(index) ?? 0) + (idf * frequency) / (frequency + norm));
      }
    }
    const best = [...scores].sort((one, other) => other[1] - one[1] || one[0] - other[0]).slice(0, count);
    return best.map(([index, score]) => passageOf(documents[index]!, score / best[0]![1]));
  };
}

function passageOf({ id, title, text }: TestDocument, score: number): Passage {
  const parts = passageParts(text, { start: 0, end: [...text].length }, [])!;
  return { documentId: id, title, uri: "", text, parts, score, sources: [], documentVersion: 1n };
}
