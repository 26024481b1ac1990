import { grown } from "./growing.ts";

/**
 * A posting is one number: the passage's slot in the upper 24 bits, the term's count in the lower 8. A count above 255 is kept as 255, which
 * moves a score by less than 0.5 %.
 */
export const countBits = 8;
export const maxCount = 2 ** countBits - 1;

/** All passages of a tenant by their terms, ready to be searched: what `Postings` holds when nothing has changed. */
export interface KeywordLists {
  /** The terms of each slot, repetitions counted. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** How many passages have each term. */
  readonly holders: Uint32Array<ArrayBuffer>;
  /** The lists one after the other: that of term t at [starts[t], starts[t + 1]). */
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly postings: Uint32Array<ArrayBuffer>;
}

/** Makes the lists of passages that come in the order of their slots, from 0 on, with their terms encoded as in the file. */
export class KeywordListsBuilder {
  #bytes = new Uint8Array(0);
  #end = 0;
  #lengths = new Uint32Array(0);
  /** Where the bytes of each passage end. */
  #ends = new Uint32Array(0);
  #count = 0;
  #holders = new Uint32Array(0);
  #termCount = 0;

  get count(): number {
    return this.#count;
  }

  push(length: number, terms: Uint8Array): void {
    const start = this.#end;
    this.#end += terms.length;
    this.#bytes = grown(this.#bytes, this.#end);
    this.#bytes.set(terms, start);
    this.#lengths = grown(this.#lengths, this.#count + 1);
    this.#ends = grown(this.#ends, this.#count + 1);
    this.#lengths[this.#count] = length;
    this.#ends[this.#count] = this.#end;
    this.#count += 1;
    this.#countHolders(start);
  }

  /** The lists, step by step. Twice over the terms, here and in `push`, takes half the time of adding one by one and merging. */
  *finish(stepPassages = 2_048): Generator<void, KeywordLists, void> {
    const termCount = this.#termCount;
    const holders = this.#holders.slice(0, termCount);
    const starts = new Uint32Array(termCount + 1);
    for (let termId = 0; termId < termCount; termId += 1) starts[termId + 1] = starts[termId]! + holders[termId]!;
    const postings = new Uint32Array(starts[termCount]!);
    const next = starts.slice();
    for (let from = 0; from < this.#count; from += stepPassages) {
      this.#place(from, Math.min(from + stepPassages, this.#count), next, postings);
      yield;
    }
    return { lengths: this.#lengths.slice(0, this.#count), holders, starts, postings };
  }

  // The two loops decode by themselves what `forEachTerm` does: a call for each of millions of terms would be most of their time.

  #countHolders(start: number): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let termId = 0;
    for (let at = start; at < end;) {
      let byte = bytes[at++]!;
      let delta = byte & 0x7f;
      for (let shift = 7; byte > 0x7f; shift += 7) {
        byte = bytes[at++]!;
        delta |= (byte & 0x7f) << shift;
      }
      termId += delta;
      if (termId >= this.#termCount) {
        this.#termCount = termId + 1;
        this.#holders = grown(this.#holders, this.#termCount);
      }
      this.#holders[termId]! += 1;
      while (bytes[at++]! > 0x7f);
    }
  }

  #place(from: number, to: number, next: Uint32Array, postings: Uint32Array): void {
    const bytes = this.#bytes;
    let at = from === 0 ? 0 : this.#ends[from - 1]!;
    for (let slot = from; slot < to; slot += 1) {
      const end = this.#ends[slot]!;
      const head = slot << countBits;
      let termId = 0;
      while (at < end) {
        let byte = bytes[at++]!;
        let delta = byte & 0x7f;
        for (let shift = 7; byte > 0x7f; shift += 7) {
          byte = bytes[at++]!;
          delta |= (byte & 0x7f) << shift;
        }
        termId += delta;
        byte = bytes[at++]!;
        let count = byte & 0x7f;
        for (let shift = 7; byte > 0x7f; shift += 7) {
          byte = bytes[at++]!;
          count |= (byte & 0x7f) << shift;
        }
        postings[next[termId]!++] = (head | (count < maxCount ? count : maxCount)) >>> 0;
      }
      if (at !== end) throw new RangeError("terms end within a number");
    }
  }
}
