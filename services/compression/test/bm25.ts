import { terms } from "@quartet/text";

export interface Found {
  /** Index of the text. */
  readonly index: number;
  readonly score: number;
}

/** Plain BM25 over a list of texts (Lucene's formula, k1 1.2, b 0.75): the best ten, best first. What search gives to compression, in small. */
export function createBm25(texts: readonly string[]): (query: string) => Found[] {
  const postings = new Map<string, { readonly index: number; readonly count: number }[]>();
  const lengths = texts.map((text, index) => {
    const found = terms(text);
    const counts = new Map<string, number>();
    for (const term of found) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) {
      const list = postings.get(term) ?? [];
      list.push({ index, count });
      postings.set(term, list);
    }
    return found.length;
  });
  const averageLength = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return (query) => {
    const scores = new Map<number, number>();
    for (const term of new Set(terms(query))) {
      const list = postings.get(term) ?? [];
      const idf = Math.log(1 + (texts.length - list.length + 0.5) / (list.length + 0.5));
      for (const { index, count } of list) {
        const norm = 1.2 * (0.25 + (0.75 * lengths[index]!) / averageLength);
        scores.set(index, (scores.get(index) ?? 0) + (idf * count) / (count + norm));
      }
    }
    const best = [...scores].sort((left, right) => right[1] - left[1] || left[0] - right[0]).slice(0, 10);
    return best.map(([index, score]) => ({ index, score }));
  };
}
