import type { RerankedPassage } from "./reranker.ts";

/** How many of the nearest candidates speak for one. */
const neighbourCount = 3;

/** How much of the way to their mean score it goes. */
const strength = 0.7;

/** Among fewer candidates the nearest ones need not be near. */
const minCandidates = 4 * neighbourCount;

/**
 * Lifts candidates whose nearest neighbours among the candidates rank better than they do: passages close to each other tend to answer the same
 * questions (van Rijsbergen's cluster hypothesis; Diaz: Regularizing Ad Hoc Retrieval Scores, CIKM 2005). With m the mean score of the three
 * nearest by cosine, a score s below m becomes s + 0.7 x (m - s).
 *
 * Unlike Diaz' smoothing it lowers nobody, and nobody reaches the best score by it: the first place stays, which a question with one right
 * passage depends on. Candidates without a vector stay as they are and speak for nobody. What was measured is in deploy/docs/quality.md.
 *
 * @param vectors of any length, by passage
 */
export function liftSimilar(
  candidates: readonly RerankedPassage[],
  vectors: ReadonlyMap<number, Float32Array>,
): readonly RerankedPassage[] {
  const comparable = candidates.filter(({ passageId }) => vectors.has(passageId));
  if (comparable.length < minCandidates) return candidates;
  const means = neighbourMeans(comparable, vectors);
  const best = candidates.reduce((most, { score }) => Math.max(most, score), 0);
  return candidates.map(({ passageId, score }) => {
    const mean = means.get(passageId) ?? score;
    // A mean of equal numbers may end a hair above them.
    return { passageId, score: Math.min(best, score + strength * Math.max(0, mean - score)) };
  });
}

/** The mean score of each candidate's nearest others; of equally near ones, those that come first. */
function neighbourMeans(
  candidates: readonly RerankedPassage[],
  vectors: ReadonlyMap<number, Float32Array>,
): ReadonlyMap<number, number> {
  const count = candidates.length;
  const rows = candidates.map(({ passageId }) => vectors.get(passageId)!);
  const lengths = rows.map((row) => Math.sqrt(dot(row, row)));
  const cosines = new Float64Array(count * count);
  for (let left = 0; left < count; left += 1) {
    for (let right = left + 1; right < count; right += 1) {
      // The zero vector is near nothing.
      const cosine = dot(rows[left]!, rows[right]!) / (lengths[left]! * lengths[right]! || Infinity);
      cosines[left * count + right] = cosine;
      cosines[right * count + left] = cosine;
    }
  }
  return new Map(
    candidates.map(({ passageId }, row) => {
      const nearest = nearestOf(cosines.subarray(row * count, (row + 1) * count), row);
      const total = nearest.reduce((sum, index) => sum + candidates[index]!.score, 0);
      return [passageId, total / nearest.length];
    }),
  );
}

function nearestOf(cosines: Float64Array, self: number): readonly number[] {
  const nearest: number[] = [];
  cosines.forEach((cosine, index) => {
    if (index === self) return;
    let place = nearest.length;
    while (place > 0 && cosine > cosines[nearest[place - 1]!]!) place -= 1;
    if (place >= neighbourCount) return;
    nearest.splice(place, 0, index);
    nearest.length = Math.min(nearest.length, neighbourCount);
  });
  return nearest;
}

/** Four sums at once, which the processor can add in parallel: two thousand of these are most of what a search pays for reranking. */
function dot(left: Float32Array, right: Float32Array): number {
  const { length } = left;
  const even = length - (length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let index = 0; index < even; index += 4) {
    a += left[index]! * right[index]!;
    b += left[index + 1]! * right[index + 1]!;
    c += left[index + 2]! * right[index + 2]!;
    d += left[index + 3]! * right[index + 3]!;
  }
  for (let index = even; index < length; index += 1) a += left[index]! * right[index]!;
  return a + b + (c + d);
}
