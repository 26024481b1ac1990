import type { CachedDocument, CacheSubject } from "./cache-subject.ts";
import { quantile } from "./load.ts";
import { createRandom } from "./random.ts";

export interface CacheQuestion {
  readonly text: string;
  /** The collection of the document that answers it. */
  readonly collection: string | undefined;
}

/** One replay of questions. */
export interface Replay {
  readonly name: string;
  readonly questions: readonly CacheQuestion[];
  /** Whether each question is asked in its own collection alone. */
  readonly inCollection: boolean;
  /** One document is changed after so many draws; 0 for never. */
  readonly changeEvery: number;
}

export interface ReplayResult {
  readonly name: string;
  readonly questionCount: number;
  readonly draws: number;
  readonly changes: number;
  /** Of all draws, in [0, 1]. */
  readonly hitRate: number;
  /** Of draws of the 100 questions that are asked most. */
  readonly hotHitRate: number;
  readonly hitMs: { readonly p50: number; readonly p95: number };
  readonly missMs: { readonly p50: number; readonly p95: number };
  /** Share of hits in the last thousand draws, thousand by thousand. */
  readonly course: readonly number[];
}

const hotCount = 100;
const courseDraws = 1_000;

/** Draws questions by Zipf's law (s = 1), one after the other, and asks each of the service. */
export async function replay(
  subject: CacheSubject,
  { name, questions, inCollection, changeEvery }: Replay,
  documents: readonly CachedDocument[],
  { draws, seed }: { readonly draws: number; readonly seed: number },
): Promise<ReplayResult> {
  const random = createRandom(seed);
  const ranked = shuffled(questions, random);
  const draw = createZipf(ranked.length, random);
  const hits: number[] = [];
  const misses: number[] = [];
  const course: number[] = [];
  const hot = { asked: 0, hits: 0 };
  let changes = 0;
  let lately = 0;
  for (let count = 1; count <= draws; count++) {
    const rank = draw();
    const { text, collection } = ranked[rank]!;
    const { cached, elapsedMs } = await subject.search(text, inCollection ? collection : undefined);
    (cached ? hits : misses).push(elapsedMs);
    if (rank < hotCount) {
      hot.asked++;
      if (cached) hot.hits++;
    }
    if (cached) lately++;
    if (count % courseDraws === 0) {
      course.push(lately / courseDraws);
      lately = 0;
    }
    if (changeEvery > 0 && count % changeEvery === 0 && count < draws) {
      const document = documents[Math.floor(random() * documents.length)]!;
      changes++;
      await subject.put([{ ...document, text: `${document.text} Changed for the ${changes}th time.` }]);
    }
  }
  return {
    ...{ name, questionCount: questions.length, draws, changes, course },
    ...{ hitRate: hits.length / draws, hotHitRate: hot.hits / Math.max(1, hot.asked) },
    ...{ hitMs: percentiles(hits), missMs: percentiles(misses) },
  };
}

/** Ranks from 0, the k-th with a probability in proportion to 1 / k. */
export function createZipf(count: number, random: () => number): () => number {
  const cumulative = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) cumulative[rank] = total += 1 / (rank + 1);
  return () => {
    const at = random() * total;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}

function percentiles(values: readonly number[]): { readonly p50: number; readonly p95: number } {
  const sorted = [...values].sort((one, other) => one - other);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
}
