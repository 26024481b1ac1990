export interface TokenBatch {
  /** Which of the texts, by their places. */
  readonly places: readonly number[];
  /** The longest of them, to which the others are filled up. */
  readonly columns: number;
}

/**
 * Puts texts of like length together, so that little is filled up: each batch is `maxTokens` with its filling at most, or one text.
 *
 * @param lengths tokens of each text
 */
export function tokenBatches(lengths: readonly number[], maxTokens: number): TokenBatch[] {
  const places = lengths.map((_, place) => place).sort((a, b) => lengths[b]! - lengths[a]!);
  const batches: { places: number[]; columns: number }[] = [];
  for (const place of places) {
    const last = batches.at(-1);
    // The first of a batch is its longest.
    if (last !== undefined && (last.places.length + 1) * last.columns <= maxTokens) last.places.push(place);
    else batches.push({ places: [place], columns: lengths[place]! });
  }
  return batches;
}
