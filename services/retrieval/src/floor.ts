/**
 * The search of this service without a service: the same store, BM25, vectors and fusion, called in the process that measures. What a benchmark
 * compares the hops with, or puts stores of its own behind; nothing else uses it.
 */
export { openEmbeddedStore } from "./adapters/embedded/open.ts";
export type { EmbeddedStore, EmbeddedStoreOptions } from "./adapters/embedded/open.ts";
export { createSearcher } from "./domain/search.ts";
export type { SearchCall, Searcher, SearcherOptions } from "./domain/search.ts";
export { createSearchPassages } from "./handlers/search-passages.ts";
export { searchDefaults } from "./domain/search-request.ts";
export type { SearchRequest, SearchResult } from "./domain/search-request.ts";
export { putDocuments } from "./domain/put-documents.ts";
export type { GivenDocument } from "./domain/new-document.ts";
export { DenseRows } from "./adapters/embedded/dense-rows.ts";
export { HashedRows } from "./adapters/embedded/hashed-rows.ts";
export type { VectorRows } from "./adapters/embedded/vector-rows.ts";
