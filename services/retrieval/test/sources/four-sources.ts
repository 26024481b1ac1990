import type { Collection, EmbeddingSpace } from "../../src/domain/collection.ts";
import type { StoredPassage } from "../../src/domain/document.ts";
import type { LegKind } from "../../src/domain/fusion.ts";
import type { GraphIndex, GraphQuery } from "../../src/domain/graph-index.ts";
import type { KeywordQuery, LegResult } from "../../src/domain/keyword-index.ts";
import { createSearcher } from "../../src/domain/search.ts";
import type { StoreGuards } from "../../src/domain/search-legs.ts";
import { searchDefaults, type SearchRequest, type SearchResult } from "../../src/domain/search-request.ts";
import type { Source } from "../../src/domain/source.ts";
import type { Stores } from "../../src/domain/stores.ts";
import type { VectorQuery } from "../../src/domain/vector-index.ts";

const space = { id: "a".repeat(16), dimensions: 2, denseWeight: 0.5 } as EmbeddingSpace;
const collectionOf = (collection: string): Collection => ({
  state: { collection, recordSeq: 3, projectedSeq: 3 },
  documentCount: 4,
  passageCount: 4,
  active: { space, vectorCount: 4, refusedCount: 0 },
  building: undefined,
});
export const found = (...ids: number[]): LegResult => ({
  hits: ids.map((passageId, rank) => ({ passageId, documentId: `d${passageId}`, ordinal: 0, score: 1 - rank / 10 })),
});

export type Ask = (collections: readonly string[], signal: AbortSignal) => Promise<LegResult>;

/** Four sources, one of each kind, each over its own collection; what they find tells which it was. */
export const fourSources: readonly Source[] = [
  { name: "corpus", kind: "hybrid", collections: ["corpus"] },
  { name: "words", kind: "keyword", collections: ["words"] },
  { name: "meaning", kind: "vector", collections: ["meaning"] },
  { name: "people", kind: "graph", collections: ["people"] },
];
export const passageOf: Readonly<Record<string, number>> = { corpus: 1, words: 2, meaning: 3, people: 4 };

interface SetUpOptions {
  readonly sources?: readonly Source[];
  readonly collections?: readonly string[];
  /** How legs over a collection answer; at once with a passage of their own unless told. */
  readonly behaviour?: Readonly<Record<string, Ask>>;
  readonly hasEntities?: boolean | undefined;
  readonly legTimeLimitMs?: number;
  readonly guards?: StoreGuards;
}

export function setUp(options: SetUpOptions = {}) {
  const { sources = fourSources, collections = ["corpus", "words", "meaning", "people"], behaviour = {} } = options;
  const asked: [LegKind, readonly string[]][] = [];
  const signals: AbortSignal[] = [];
  const answer =
    (kind: LegKind) =>
    async (_: string, query: KeywordQuery | VectorQuery | GraphQuery, { signal }: { signal: AbortSignal }) => {
      asked.push([kind, query.collections]);
      signals.push(signal);
      const behave = behaviour[query.collections[0]!];
      return behave?.(query.collections, signal) ?? found(...query.collections.map((name) => passageOf[name] ?? 9));
    };
  const stores = {
    records: {
      collections: async () => collections.map(collectionOf),
      passages: async (_: string, ids: readonly number[]) =>
        new Map(ids.map((id) => [id, { ordinal: 0, text: `text ${id}`, document: {} } as StoredPassage])),
    },
    keywords: { search: answer("keyword") },
    vectors: { search: answer("vector") },
    ...(options.hasEntities === undefined
      ? {}
      : { graph: { search: answer("graph"), hasEntities: async () => options.hasEntities } as unknown as GraphIndex }),
  } as unknown as Stores;
  const { legTimeLimitMs = 10_000, guards } = options;
  const search = createSearcher({ stores, sources, legTimeLimitMs, ...(guards && { guards }) });
  const ask = (fields: Partial<SearchRequest> = {}, signal = new AbortController().signal) =>
    search("t", requestOf(fields), { signal });
  return { ask, asked, signals };
}

export const requestOf = (fields: Partial<SearchRequest>): SearchRequest => ({
  ...searchDefaults,
  query: "q",
  vector: { value: { kind: "float32", values: Float32Array.of(1, 0) }, spaceId: space.id },
  ...fields,
});

export const failing: Ask = () => Promise.reject(new Error("connection refused"));
/** Deaf to its signal. */
export const hanging: Ask = () => new Promise<never>(() => {});
export const reports = ({ sources }: SearchResult) =>
  sources.map(({ source, status, reason }) => [source, status, reason]);
export const texts = ({ passages }: SearchResult) => passages.map(({ text }) => text).sort();
