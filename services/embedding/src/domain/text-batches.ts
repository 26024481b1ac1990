export interface BatchLimits {
  /** At least 1. */
  readonly maxTexts: number;
  /** Of UTF-8. A text above it goes alone. */
  readonly maxBytes: number;
}

/** Where a list of texts is cut so that each run fits one call: the index at which each run begins, in order. Empty for no texts. */
export function runStarts(bytesOf: readonly number[], { maxTexts, maxBytes }: BatchLimits): number[] {
  const starts: number[] = [];
  let texts = 0;
  let bytes = 0;
  for (const [index, own] of bytesOf.entries()) {
    if (starts.length > 0 && texts < maxTexts && bytes + own <= maxBytes) {
      texts += 1;
      bytes += own;
    } else {
      starts.push(index);
      texts = 1;
      bytes = own;
    }
  }
  return starts;
}

/** A list of texts, cut so that each run fits one call, in order. */
export function batches(texts: readonly string[], limits: BatchLimits): string[][] {
  const starts = runStarts(
    texts.map((text) => Buffer.byteLength(text)),
    limits,
  );
  return starts.map((start, index) => texts.slice(start, starts[index + 1]));
}

/**
 * A whole number, divided in proportion to `weights` so that the parts add up to it again: by largest remainder (Hamilton's method), the earlier
 * first among equals. In equal parts where all weights are 0.
 */
export function divided(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const exact = weights.map((weight) => (total * (sum > 0 ? weight : 1)) / (sum > 0 ? sum : weights.length));
  const shares = exact.map(Math.floor);
  let left = total - shares.reduce((all, share) => all + share, 0);
  const byRemainder = [...exact.keys()].sort(
    (one, other) => exact[other]! - shares[other]! - (exact[one]! - shares[one]!),
  );
  for (const index of byRemainder) {
    if (left <= 0) break;
    shares[index]! += 1;
    left -= 1;
  }
  return shares;
}
