import type { DocumentAttributes } from "../../domain/document.ts";
import type { Filter } from "../../domain/filter.ts";
import { compileFilter, type DocumentPredicate } from "../../domain/filter-match.ts";
import { grown } from "./growing.ts";

interface Filterable extends DocumentAttributes {
  readonly passages: readonly { readonly slot: number }[];
}

interface FilterSet {
  readonly matches: DocumentPredicate;
  /** 1 for each slot whose document satisfies the filter. */
  allowed: Uint8Array;
}

/** The least recently used set is dropped above this: one byte a passage each. */
const maxSets = 64;

/**
 * Which passages satisfy a filter: evaluated once over all documents, and from then on kept up to date with every change, so that a filter used
 * again costs a lookup.
 */
export class FilterSets {
  readonly #documents: ReadonlyMap<string, Filterable>;
  /** In order of use, the last used last. */
  readonly #sets = new Map<string, FilterSet>();

  constructor(documents: ReadonlyMap<string, Filterable>) {
    this.#documents = documents;
  }

  /** Shorter than the number of slots where no later one is allowed. To be read at once: the next change changes it. */
  allowed(filter: Filter): Uint8Array {
    const key = JSON.stringify(filter);
    const set = this.#sets.get(key) ?? this.#evaluate(filter);
    this.#sets.delete(key);
    this.#sets.set(key, set);
    if (this.#sets.size > maxSets) this.#sets.delete(this.#sets.keys().next().value!);
    return set.allowed;
  }

  add(document: Filterable): void {
    for (const set of this.#sets.values()) if (set.matches(document)) allow(set, document);
  }

  remove(document: Filterable): void {
    for (const { allowed } of this.#sets.values()) {
      for (const { slot } of document.passages) if (slot < allowed.length) allowed[slot] = 0;
    }
  }

  #evaluate(filter: Filter): FilterSet {
    const set = { matches: compileFilter(filter), allowed: new Uint8Array(0) };
    for (const document of this.#documents.values()) if (set.matches(document)) allow(set, document);
    return set;
  }
}

function allow(set: FilterSet, { passages }: Filterable): void {
  for (const { slot } of passages) {
    set.allowed = grown(set.allowed, slot + 1);
    set.allowed[slot] = 1;
  }
}
