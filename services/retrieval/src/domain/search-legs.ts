import { type Collection, pendingCount } from "./collection.ts";
import type { PartialReason } from "./keyword-index.ts";
import type { LegKind } from "./fusion.ts";
import type { Leg, LegPartQuery, LegReason } from "./leg.ts";
import type { SearchRequest } from "./search-request.ts";
import { legKindsOf, type Source } from "./source.ts";
import { createStoreGuard, type StoreGuard } from "./store-guard.ts";
import type { Stores } from "./stores.ts";

/** What stands before each store. */
export interface StoreGuards {
  readonly record: StoreGuard;
  /** Where the projection answers in the record's place. */
  readonly projection: StoreGuard;
  /** Before a leg of a source: one each, so that a source whose collections are slow keeps no other from a store that is well. */
  leg(source: string, kind: LegKind): StoreGuard;
}

/** For stores that are part of this process: limits, and no breakers. */
export function unguarded(): StoreGuards {
  const guard = createStoreGuard();
  return { record: guard, projection: guard, leg: () => guard };
}

/** What the legs of one search are made from. */
export interface LegParts {
  readonly stores: Stores;
  readonly guards: StoreGuards;
  /** Those that the request's filter lets anything be found in. */
  readonly collections: readonly Collection[];
  /** The names of all that there are. */
  readonly existing: ReadonlySet<string>;
  /** Why the record could not be asked, and with it what vectors there are; undefined when it could. */
  readonly recordError: unknown;
  /** Whether some change has waited for the keyword index for longer than a moment. */
  readonly keywordsLag: boolean;
  /** The most a leg may take whose source says nothing of it. */
  readonly legTimeLimitMs: number;
}

/** The kinds of a source's legs that the request's fusion needs. */
export function legKindsFor(source: Source, { fusion }: SearchRequest): readonly LegKind[] {
  const kinds = legKindsOf(source);
  if (fusion === "keyword-only") return kinds.filter((kind) => kind === "keyword");
  return fusion === "vector-only" ? kinds.filter((kind) => kind === "vector") : kinds;
}

/** The legs of one source that the request's fusion needs. */
export function legsOf(source: Source, tenant: string, request: SearchRequest, parts: LegParts): Leg[] {
  const own = new Set(source.collections);
  const isMissing = own.size > 0 && ![...own].some((name) => parts.existing.has(name));
  const collections = parts.collections.filter(({ state }) => own.size === 0 || own.has(state.collection));
  return legKindsFor(source, request).map((kind) => {
    const limitMs = source.timeLimitMs ?? parts.legTimeLimitMs;
    const query = makers[kind](tenant, request, { ...parts, collections });
    return {
      source: source.name,
      leg: kind,
      guard: parts.guards.leg(source.name, kind),
      limitMs,
      queryKey: JSON.stringify([kind, limitMs, query.collections]),
      ...(isMissing ? { skip: "COLLECTION_MISSING" } : query.skip && { skip: query.skip }),
      ...(query.failure !== undefined && { failure: query.failure }),
      ...(query.partial && { partial: query.partial }),
      limit: kind === "vector" ? request.vectorLimit : request.keywordLimit,
      run: query.collections.length === 0 ? undefined : query.run,
      more: query.collections.length === 0 ? undefined : query.more,
    };
  });
}

/** What is asked of one store, whoever asks. */
interface LegQuery extends Pick<Leg, "skip" | "failure" | "partial" | "run" | "more"> {
  readonly collections: readonly string[];
}

type MakeQuery = (tenant: string, request: SearchRequest, parts: LegParts) => LegQuery;

const makers: Readonly<Record<LegKind, MakeQuery>> = { keyword: keywordQuery, vector: vectorQuery, graph: graphQuery };

/** Whether the keyword index has not seen all changes of the collection yet. */
export const lags = ({ state }: Collection): boolean => state.projectedSeq < state.recordSeq;

const namesOf = (collections: readonly Collection[]) => collections.map(({ state }) => state.collection);

function keywordQuery(tenant: string, request: SearchRequest, parts: LegParts): LegQuery {
  const { query: text, filter, keywordLimit: limit } = request;
  const collections = namesOf(parts.collections);
  const more: LegPartQuery = (part, options) =>
    parts.stores.keywords.search(tenant, { text, collections, filter, ...part }, options);
  return {
    collections,
    ...(parts.keywordsLag && parts.collections.some(lags) ? { partial: "MAY_BE_STALE" } : {}),
    run: (options) => more({ limit }, options),
    more,
  };
}

function vectorQuery(tenant: string, request: SearchRequest, parts: LegParts): LegQuery {
  const { filter, vector, vectorLimit: limit } = request;
  const { collections, skip, partial } = vectorScope(vector?.spaceId, parts);
  const more: LegPartQuery | undefined =
    vector &&
    ((part, options) => {
      const { value, spaceId } = vector;
      return parts.stores.vectors.search(tenant, { vector: value, spaceId, collections, filter, ...part }, options);
    });
  return {
    collections,
    ...(skip === undefined ? {} : { skip }),
    ...(parts.recordError === undefined ? {} : { failure: parts.recordError }),
    ...(partial === undefined ? {} : { partial }),
    run: more && ((options) => more({ limit }, options)),
    more,
  };
}

/** The graph is part of the record. It gives the fusion as many hits as keywords do. */
function graphQuery(tenant: string, request: SearchRequest, parts: LegParts): LegQuery {
  const { query: text, filter, keywordLimit: limit } = request;
  const { graph } = parts.stores;
  const collections = namesOf(parts.collections);
  return {
    collections,
    ...(graph === undefined ? { skip: "NOT_ENABLED" } : {}),
    ...(parts.recordError === undefined ? {} : { failure: parts.recordError }),
    run: graph && ((options) => graph.search(tenant, { text, collections, filter, limit }, options)),
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
  const isPending = filled.some(({ active, passageCount }) => pendingCount(passageCount, active) > 0);
  const names = comparable.map(({ state }) => state.collection);
  const lack = isOther ? "EMBEDDING_SPACE_MISMATCH" : isPending ? "VECTORS_PENDING" : undefined;
  if (lack === undefined) return { collections: names };
  return comparable.length === 0 ? { collections: [], skip: lack } : { collections: names, partial: lack };
}
