/** An item, by number, with its score. */
export interface Scored {
  readonly item: number;
  readonly score: number;
}

/** A place in the order of a TopK, held by an item or not. */
export interface Bound {
  readonly score: number;
  /** Whether an item of the same score comes after the place. */
  readonly isBefore: (item: number) => boolean;
}

/**
 * Keeps the `limit` best of any number of scored items in a binary heap whose root is the worst kept: O(log limit) for an
 * item that enters, one comparison for one that does not.
 *
 * The greater score is better; equal scores are ordered by `compareItems` (negative when the first is better). An item
 * whose score is no number is left out, and so is one that does not come after the bound, where there is one.
 */
export class TopK {
  readonly #limit: number;
  readonly #compareItems: (left: number, right: number) => number;
  readonly #after: Bound | undefined;
  readonly #items: number[] = [];
  readonly #scores: number[] = [];
  /** Whoever scores below this cannot enter; equal may, by its order. Read it before calling `offer`. */
  threshold = Number.NEGATIVE_INFINITY;

  constructor(limit: number, compareItems: (left: number, right: number) => number, after?: Bound) {
    this.#limit = limit;
    this.#compareItems = compareItems;
    this.#after = after;
  }

  offer(item: number, score: number): void {
    if (!(score >= this.threshold) || this.#limit <= 0 || !this.#isAfterBound(item, score)) return;
    const size = this.#items.length;
    if (size < this.#limit) {
      this.#items.push(item);
      this.#scores.push(score);
      this.#up(size);
    } else {
      if (!this.#isWorse(this.#items[0]!, this.#scores[0]!, item, score)) return;
      this.#items[0] = item;
      this.#scores[0] = score;
      this.#down();
    }
    if (this.#items.length === this.#limit) this.threshold = this.#scores[0]!;
  }

  /** What was kept, best first. */
  sorted(): Scored[] {
    return this.#items
      .map((item, index) => ({ item, score: this.#scores[index]! }))
      .sort((left, right) => right.score - left.score || this.#compareItems(left.item, right.item));
  }

  #isAfterBound(item: number, score: number): boolean {
    const after = this.#after;
    return after === undefined || score < after.score || (score === after.score && after.isBefore(item));
  }

  #isWorse(item: number, score: number, otherItem: number, otherScore: number): boolean {
    return score === otherScore ? this.#compareItems(item, otherItem) > 0 : score < otherScore;
  }

  #less(left: number, right: number): boolean {
    return this.#isWorse(this.#items[left]!, this.#scores[left]!, this.#items[right]!, this.#scores[right]!);
  }

  #swap(left: number, right: number): void {
    const item = this.#items[left]!;
    const score = this.#scores[left]!;
    this.#items[left] = this.#items[right]!;
    this.#scores[left] = this.#scores[right]!;
    this.#items[right] = item;
    this.#scores[right] = score;
  }

  #up(start: number): void {
    for (let child = start; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#less(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(): void {
    const size = this.#items.length;
    for (let parent = 0; ;) {
      let worst = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) if (child < size && this.#less(child, worst)) worst = child;
      if (worst === parent) return;
      this.#swap(parent, worst);
      parent = worst;
    }
  }
}
