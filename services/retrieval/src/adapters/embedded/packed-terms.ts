import { grown } from "./growing.ts";
import type { PassagesToFill } from "./postings.ts";
import { forEachTerm } from "./term-codec.ts";

/** The terms of many passages in one piece of memory, encoded as in the file. */
export class PackedTerms implements PassagesToFill {
  #bytes = new Uint8Array(0);
  readonly #slots: number[] = [];
  readonly #lengths: number[] = [];
  /** Where the bytes of each passage end. */
  readonly #ends: number[] = [];

  get count(): number {
    return this.#slots.length;
  }

  push(slot: number, length: number, terms: Uint8Array): void {
    const start = this.#ends.at(-1) ?? 0;
    const end = start + terms.length;
    this.#bytes = grown(this.#bytes, end);
    this.#bytes.set(terms, start);
    this.#slots.push(slot);
    this.#lengths.push(length);
    this.#ends.push(end);
  }

  readonly slotAt = (index: number): number => this.#slots[index]!;

  readonly lengthAt = (index: number): number => this.#lengths[index]!;

  readonly forEachTerm = (index: number, visit: (termId: number, count: number) => void): void => {
    forEachTerm(this.#bytes, visit, this.#ends[index - 1] ?? 0, this.#ends[index]!);
  };
}
