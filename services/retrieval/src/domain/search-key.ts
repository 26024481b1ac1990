import type { Collection } from "./collection.ts";
import type { SearchRequest } from "./search-request.ts";
import type { Source } from "./source.ts";

/** The version of the tenant's graph; undefined where no graph is asked. `unknown`: the result may be of any, and is to be kept by nobody. */
export type GraphState = number | "unknown" | undefined;

export interface KeyedSearch {
  readonly tenant: string;
  readonly request: SearchRequest;
  readonly collections: readonly Collection[];
  /** Those asked: the same names may stand for something else in another process. */
  readonly sources: readonly Source[];
  readonly graphState: GraphState;
  /** Who orders what was found; undefined for the fusion alone. */
  readonly rerankerId: string | undefined;
}

/**
 * The same for two searches only when they find the same passages: tenant, request, what its sources are, and the collections and the graph
 * as both saw them, with their sequences and counts of vectors. How the cache is used makes no difference. So a search that comes after a
 * change is never answered by one from before it. Scores may differ: other collections have a part in the statistics of words.
 */
export function searchKey({ tenant, request, collections, sources, graphState, rerankerId }: KeyedSearch): string {
  const { vector, cacheUse: _, sources: __, ...rest } = request;
  const where = collections.map(({ state, passageCount, active, building }) => [
    state.collection,
    state.recordSeq,
    state.projectedSeq,
    passageCount,
    active?.space.id,
    active?.vectorCount,
    active?.refusedCount,
    building?.space.id,
  ]);
  return (
    JSON.stringify([tenant, rest, where, sources, graphState, rerankerId, vector?.spaceId]) +
    (vector === undefined ? "" : vectorText(vector.value))
  );
}

/** The bytes of the vector as text, one character each: a hash would cost as much as it saves, since keys live no longer than a search. */
function vectorText(value: NonNullable<SearchRequest["vector"]>["value"]): string {
  const { buffer, byteOffset, byteLength } = value.values;
  const scale = value.kind === "int8" ? value.scale : 1;
  return `${value.kind}${scale}:${Buffer.from(buffer, byteOffset, byteLength).toString("latin1")}`;
}
