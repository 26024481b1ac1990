import type { Collection } from "./collection.ts";
import type { PartialReason } from "./keyword-index.ts";
import type { Leg, LegReason } from "./leg.ts";
import type { SearchRequest } from "./search-request.ts";
import { createStoreGuard, type StoreGuard } from "./store-guard.ts";
import type { Stores } from "./stores.ts";

/** What stands before each store. */
export interface StoreGuards {
  readonly record: StoreGuard;
  readonly keyword: StoreGuard;
  readonly vector: StoreGuard;
}

/** For stores that are part of this process: limits, and no breakers. */
export function unguarded(): StoreGuards {
  const guard = createStoreGuard();
  return { record: guard, keyword: guard, vector: guard };
}

/** What the legs of one search are made from. */
export interface LegParts {
  readonly stores: Stores;
  readonly guards: StoreGuards;
  readonly collections: readonly Collection[];
  /** Why the record could not be asked, and with it what vectors there are; undefined when it could. */
  readonly recordError: unknown;
  /** Whether the keyword index lags behind the record for longer than a moment. */
  readonly keywordsLag: boolean;
}

/** The legs of one source that the request's fusion needs. */
export function legsOf(source: string, tenant: string, request: SearchRequest, parts: LegParts): Leg[] {
  const keyword = keywordLeg(source, tenant, request, parts);
  const vector = vectorLeg(source, tenant, request, parts);
  if (request.fusion === "keyword-only") return [keyword];
  return request.fusion === "vector-only" ? [vector] : [keyword, vector];
}

function keywordLeg(source: string, tenant: string, request: SearchRequest, parts: LegParts): Leg {
  const { query: text, filter, keywordLimit: limit } = request;
  return {
    source,
    leg: "keyword",
    guard: parts.guards.keyword,
    ...(parts.keywordsLag ? { partial: "MAY_BE_STALE" } : {}),
    run: (options) => {
      const collections = parts.collections.map(({ state }) => state.collection);
      return parts.stores.keywords.search(tenant, { text, collections, filter, limit }, options);
    },
  };
}

function vectorLeg(source: string, tenant: string, request: SearchRequest, parts: LegParts): Leg {
  const { filter, vector, vectorLimit: limit } = request;
  const { collections, skip, partial } = vectorScope(vector?.spaceId, parts);
  return {
    source,
    leg: "vector",
    guard: parts.guards.vector,
    ...(skip === undefined ? {} : { skip }),
    ...(parts.recordError === undefined ? {} : { failure: parts.recordError }),
    ...(partial === undefined ? {} : { partial }),
    run: async (options) => {
      if (vector === undefined || collections.length === 0) return { hits: [] };
      const { value, spaceId } = vector;
      return parts.stores.vectors.search(tenant, { vector: value, spaceId, collections, filter, limit }, options);
    },
  };
}

interface VectorScope {
  readonly collections: readonly string[];
  readonly skip?: LegReason;
  readonly partial?: PartialReason;
}

/** Which collections a vector of that space can be compared with, and what is missing. */
function vectorScope(spaceId: string | undefined, { collections, recordError }: LegParts): VectorScope {
  if (spaceId === undefined) return { collections: [], skip: "NO_QUERY_VECTOR" };
  // Only the record knows the spaces.
  if (recordError !== undefined) return { collections: [] };
  const filled = collections.filter(({ passageCount }) => passageCount > 0);
  const comparable = filled.filter(({ active }) => active?.space.id === spaceId);
  const isOther = filled.some(({ active }) => active !== undefined && active.space.id !== spaceId);
  const isPending = filled.some(({ active, passageCount }) => (active?.vectorCount ?? 0) < passageCount);
  const names = comparable.map(({ state }) => state.collection);
  const lack = isOther ? "EMBEDDING_SPACE_MISMATCH" : isPending ? "VECTORS_PENDING" : undefined;
  if (lack === undefined) return { collections: names };
  return comparable.length === 0 ? { collections: [], skip: lack } : { collections: names, partial: lack };
}
