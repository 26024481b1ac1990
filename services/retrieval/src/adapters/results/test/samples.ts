import type { CachedSearch } from "../../../domain/result-cache.ts";
import { type GraphState, searchKey } from "../../../domain/search-key.ts";
import type { Collection } from "../../../domain/collection.ts";
import { searchDefaults, type SearchRequest, type SearchResult } from "../../../domain/search-request.ts";

export const space = {
  id: "0123456789abcdef",
  dimensions: 4,
  kind: "semantic",
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: "m",
} as const;

export const collectionAt = (collection: string, recordSeq: number, projectedSeq = recordSeq): Collection => ({
  state: { collection, recordSeq, projectedSeq },
  documentCount: 1,
  passageCount: 1,
  active: { space, vectorCount: 1, refusedCount: 0 },
  building: undefined,
});

export const request: SearchRequest = {
  ...searchDefaults,
  query: "휴가는 며칠?",
  vector: { value: { kind: "float32", values: Float32Array.of(1, 0, 0, 0) }, spaceId: space.id },
};

export interface SearchChange {
  readonly graphState?: GraphState;
  readonly tenant?: string;
  readonly collections?: readonly Collection[];
  readonly request?: Partial<SearchRequest>;
}

export function searchOf({ tenant = "default", collections, ...change }: SearchChange = {}): CachedSearch {
  const search = {
    tenant,
    collections: collections ?? [collectionAt("규정", 3)],
    request: { ...request, ...change.request },
    sources: [{ name: "corpus", kind: "hybrid" }] as const,
    graphState: change.graphState,
    rerankerId: undefined,
  };
  return { ...search, key: searchKey(search) };
}

export const resultOf = (text: string): SearchResult => ({
  passages: [
    {
      ordinal: 0,
      startOffset: 0,
      endOffset: text.length,
      text,
      score: 0.9,
      ranks: [{ source: "corpus", leg: "keyword", rank: 1, rawScore: 12.5 }],
      document: {
        id: "휴가",
        collection: "규정",
        title: "연차 휴가",
        mediaType: "text/plain",
        language: "ko",
        uri: "",
        tags: ["leave"],
        taxonomyPath: "hr/leave",
        metadata: { year: 2026, nested: { list: [1, "two", null] } },
        createTimeMs: 1,
        updateTimeMs: 2,
        version: 1,
      },
    },
  ],
  legs: [{ source: "corpus", leg: "keyword", status: "ok", reason: undefined, elapsedMs: 1.5, hitCount: 1 }],
  sources: [
    {
      ...{ source: "corpus", kind: "hybrid", status: "ok", reason: undefined },
      ...{ elapsedMs: 1.5, passageCount: 1, weight: 1 },
    },
  ],
  notReranked: false,
  withoutRecord: false,
  collections: [{ collection: "규정", recordSeq: 3, projectedSeq: 3 }],
  cached: false,
  next: {
    plan: "0123456789abcdef",
    isReranked: false,
    fusedOffset: 1,
    legs: [{ rank: 1, last: { score: 12.5, passageId: 7 }, isAtEnd: false, isAhead: false }],
  },
});
