import { inverseDocumentFrequency, lengthNorm } from "../../domain/bm25.ts";
import { type Bound, type Scored, TopK } from "../../domain/top-k.ts";
import { grown } from "./growing.ts";
import { countBits, type KeywordLists, maxCount } from "./keyword-lists.ts";

const maxSlots = 2 ** (32 - countBits);

/** Below this many postings a merge is not worth its while. */
const minTail = 65_536;

/** The lists of all terms one after the other: those of term t at [starts[t], starts[t + 1]). */
interface Flat {
  readonly starts: Uint32Array;
  readonly postings: Uint32Array;
}

/**
 * What came since the last merge, in the order it came: each posting points to the one before it of the same term, `heads` to the last.
 * Indices are kept plus 1, so that 0 means none.
 */
class Tail {
  heads = new Uint32Array(0);
  terms = new Uint32Array(0);
  postings = new Uint32Array(0);
  previous = new Uint32Array(0);
  length = 0;
  /** One more than the greatest term. */
  termCount = 0;

  push(termId: number, posting: number): void {
    if (termId >= this.termCount) this.termCount = termId + 1;
    this.heads = grown(this.heads, termId + 1);
    this.terms = grown(this.terms, this.length + 1);
    this.postings = grown(this.postings, this.length + 1);
    this.previous = grown(this.previous, this.length + 1);
    this.terms[this.length] = termId;
    this.postings[this.length] = posting;
    this.previous[this.length] = this.heads[termId]!;
    this.length += 1;
    this.heads[termId] = this.length;
  }
}

export interface PostingsQuery {
  /** Terms, repeated as often as they weigh. */
  readonly termIds: readonly number[];
  readonly limit: number;
  /** Nonzero for slots that may be found; all may if undefined. */
  readonly allowed: Uint8Array | undefined;
  /** Only what comes after this. */
  readonly after?: Bound | undefined;
}

/**
 * An inverted index in memory over passages known by slot, small numbers that are used again. Scores are BM25 over the live passages.
 *
 * Additions go to a tail. A removed passage stays in the lists as a tombstone. When the tail is large, or a quarter of the slots are dead,
 * everything is merged into new flat lists without the dead, whose slots are free again: in steps, between which searches and changes
 * go on against the old lists. While that runs there are two tails: `frozen`, which is being merged, and a new one.
 */
export class Postings {
  readonly #compareSlots: (left: number, right: number) => number;
  #flat: Flat = { starts: new Uint32Array(1), postings: new Uint32Array(0) };
  #tail = new Tail();
  #frozen: Tail | undefined;
  #lengths = new Uint32Array(0);
  #alive = new Uint8Array(0);
  #holders = new Uint32Array(0);
  #scores = new Float64Array(0);
  #slotCount = 0;
  /** In no list. */
  #freeSlots: number[] = [];
  /** Tombstones since the last merge began. */
  #deadSlots: number[] = [];
  #norms: Float64Array | undefined;
  #liveCount = 0;
  #totalLength = 0;

  /** `compareSlots` orders passages of equal score: negative when the first comes first. */
  constructor(compareSlots: (left: number, right: number) => number) {
    this.#compareSlots = compareSlots;
  }

  get passageCount(): number {
    return this.#liveCount;
  }

  /** Slots that lists still hold although their passage was removed. */
  get deadCount(): number {
    return this.#deadSlots.length;
  }

  /** A slot for a passage to be added: free in every list. */
  takeSlot(): number {
    const slot = this.#freeSlots.pop() ?? this.#slotCount++;
    if (slot >= maxSlots) throw new RangeError(`an index in memory holds at most ${maxSlots} passages`);
    return slot;
  }

  /** Adds a passage of `length` terms, repetitions counted. `forEachTerm` names each distinct term once. */
  add(slot: number, length: number, forEachTerm: (visit: (termId: number, count: number) => void) => void): void {
    this.#lengths = grown(this.#lengths, slot + 1);
    this.#alive = grown(this.#alive, slot + 1);
    this.#lengths[slot] = length;
    this.#alive[slot] = 1;
    this.#liveCount += 1;
    this.#norms = undefined;
    this.#totalLength += length;
    forEachTerm((termId, count) => {
      if (termId >= this.#holders.length) this.#holders = grown(this.#holders, termId + 1);
      this.#holders[termId]! += 1;
      this.#tail.push(termId, ((slot << countBits) | Math.min(count, maxCount)) >>> 0);
    });
  }

  /** Removes a passage that was added with these terms. */
  remove(slot: number, forEachTerm: (visit: (termId: number) => void) => void): void {
    this.#alive[slot] = 0;
    this.#liveCount -= 1;
    this.#deadSlots.push(slot);
    this.#norms = undefined;
    this.#totalLength -= this.#lengths[slot]!;
    forEachTerm((termId) => (this.#holders[termId]! -= 1));
  }

  /** The best passages, best first. */
  search({ termIds, limit, allowed, after }: PostingsQuery): Scored[] {
    const weights = new Map<number, number>();
    for (const termId of termIds) {
      const holders = this.#holders[termId] ?? 0;
      if (holders === 0) continue;
      const weight = inverseDocumentFrequency(this.#liveCount, holders);
      weights.set(termId, (weights.get(termId) ?? 0) + weight);
    }
    if (weights.size === 0) return [];
    this.#scores = grown(this.#scores, this.#slotCount);
    const norms = this.#normsBySlot();
    for (const [termId, weight] of weights) this.#accumulate(termId, weight, norms);
    return this.#best(new TopK(limit, this.#compareSlots, after), allowed);
  }

  /** Whether `merge` has enough to do. */
  get wantsMerge(): boolean {
    if (this.#frozen !== undefined) return false;
    const tailIsLarge = this.#tail.length > minTail && this.#tail.length > this.#flat.postings.length / 2;
    return tailIsLarge || (this.deadCount > 64 && this.deadCount > (this.#liveCount + this.deadCount) / 4);
  }

  /** Merges step by step; the index can be used and changed between steps. To be run to its end before another is begun. */
  *merge(stepPostings = 32_768): Generator<void, void, void> {
    const frozen = this.#tail;
    this.#frozen = frozen;
    this.#tail = new Tail();
    // Who dies from now on keeps its slot until the next merge, which finds it in the lists.
    const alive = this.#alive.slice(0, this.#slotCount);
    const dead = this.#deadSlots;
    this.#deadSlots = [];
    // Whoever made the merge due has just changed much.
    yield;
    this.#flat = yield* mergeLists(this.#flat, frozen, alive, stepPostings);
    this.#frozen = undefined;
    for (const slot of dead) this.#freeSlots.push(slot);
  }

  /** Fills an empty index with lists whose slots were taken. */
  adopt({ lengths, holders, starts, postings }: KeywordLists): void {
    const count = lengths.length;
    this.#lengths = lengths;
    this.#alive = new Uint8Array(count).fill(1);
    this.#holders = holders;
    this.#flat = { starts, postings };
    this.#liveCount = count;
    this.#totalLength = lengths.reduce((sum, length) => sum + length, 0);
  }

  /** The length norm of each slot, kept until a passage comes or goes. */
  #normsBySlot(): Float64Array {
    if (this.#norms === undefined) {
      const average = this.#liveCount === 0 ? 0 : this.#totalLength / this.#liveCount;
      this.#norms = new Float64Array(this.#slotCount);
      for (let slot = 0; slot < this.#slotCount; slot += 1) {
        this.#norms[slot] = lengthNorm(this.#lengths[slot]!, average);
      }
    }
    return this.#norms;
  }

  #accumulate(termId: number, weight: number, norms: Float64Array): void {
    const scores = this.#scores;
    const { starts, postings } = this.#flat;
    for (let at = starts[termId] ?? 0, end = starts[termId + 1] ?? 0; at < end; at += 1) {
      const posting = postings[at]!;
      const count = posting & maxCount;
      const slot = posting >>> countBits;
      scores[slot]! += (weight * count) / (count + norms[slot]!);
    }
    for (const tail of [this.#frozen, this.#tail]) {
      if (tail === undefined) continue;
      for (let at = tail.heads[termId] ?? 0; at > 0; at = tail.previous[at - 1]!) {
        const posting = tail.postings[at - 1]!;
        const count = posting & maxCount;
        const slot = posting >>> countBits;
        scores[slot]! += (weight * count) / (count + norms[slot]!);
      }
    }
  }

  /** Takes the best out of the scores and leaves those at 0 for the next search. */
  #best(best: TopK, allowed: Uint8Array | undefined): Scored[] {
    const scores = this.#scores;
    const alive = this.#alive;
    for (let slot = 0; slot < this.#slotCount; slot += 1) {
      const score = scores[slot]!;
      if (score === 0) continue;
      scores[slot] = 0;
      if (score < best.threshold || alive[slot] !== 1) continue;
      if (allowed === undefined || allowed[slot] === 1) best.offer(slot, score);
    }
    return best.sorted();
  }
}

/** New lists of what is alive: sizes first, then the flat lists term by term, then the tail in the order it came. */
function* mergeLists(flat: Flat, tail: Tail, alive: Uint8Array, stepPostings: number): Generator<void, Flat, void> {
  const termCount = Math.max(flat.starts.length - 1, tail.termCount);
  // Each term's size two places further on: summed up, starts[t + 1] is where t begins, and counts up to its end as t is filled.
  const starts = new Uint32Array(termCount + 2);
  let step = stepPostings;
  for (let termId = 0; termId + 1 < flat.starts.length; termId += 1) {
    const [from, to] = [flat.starts[termId]!, flat.starts[termId + 1]!];
    for (let at = from; at < to; at += 1) starts[termId + 2]! += alive[flat.postings[at]! >>> countBits]!;
    if ((step -= to - from + 1) <= 0) {
      step = stepPostings;
      yield;
    }
  }
  for (let at = 0; at < tail.length; at += 1) {
    starts[tail.terms[at]! + 2]! += alive[tail.postings[at]! >>> countBits]!;
    if (at % stepPostings === stepPostings - 1) yield;
  }
  for (let termId = 0; termId < termCount; termId += 1) starts[termId + 2]! += starts[termId + 1]!;
  const postings = new Uint32Array(starts[termCount + 1]!);
  for (let termId = 0; termId + 1 < flat.starts.length; termId += 1) {
    const [from, to] = [flat.starts[termId]!, flat.starts[termId + 1]!];
    let next = starts[termId + 1]!;
    for (let at = from; at < to; at += 1) {
      const posting = flat.postings[at]!;
      if (alive[posting >>> countBits] === 1) postings[next++] = posting;
    }
    starts[termId + 1] = next;
    if ((step -= to - from + 1) <= 0) {
      step = stepPostings;
      yield;
    }
  }
  for (let at = 0; at < tail.length; at += 1) {
    const posting = tail.postings[at]!;
    if (alive[posting >>> countBits] === 1) postings[starts[tail.terms[at]! + 1]!++] = posting;
    if (at % stepPostings === stepPostings - 1) yield;
  }
  return { starts: starts.subarray(0, termCount + 1), postings };
}
