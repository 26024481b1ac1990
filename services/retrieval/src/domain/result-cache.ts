import type { KeyedSearch } from "./search-key.ts";
import type { SearchResult } from "./search-request.ts";

/** A search and the key that it shares with exactly those that would be answered alike. */
export interface CachedSearch extends KeyedSearch {
  /** See `searchKey`: with the tenant, the collections' sequences, the request, sources and reranker. Kilobytes long: hash it before keeping it. */
  readonly key: string;
}

/** Keeps results of searches. It is part of no answer: what it cannot do in its own small time it leaves. */
export interface ResultCache {
  /** The result of an equal search, over the same state of the collections; undefined when there is none. Rejects only when the signal is aborted. */
  get(search: CachedSearch, options: { readonly signal: AbortSignal }): Promise<SearchResult | undefined>;

  /** Told of each search that is answered by an equal one in flight. */
  coalesced(): void;

  /** Given only whole results. Returns at once and never throws. */
  put(search: CachedSearch, result: SearchResult): void;
}
