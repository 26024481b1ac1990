import type { Collection } from "./collection.ts";
import type { SearchRequest } from "./search-request.ts";

export interface KeyedSearch {
  readonly tenant: string;
  readonly request: SearchRequest;
  readonly collections: readonly Collection[];
}

/**
 * The same for two searches exactly when they would be answered alike: tenant, request, and the collections as both saw them, with their
 * sequences and counts of vectors. So a search that comes after a change is never answered by one from before it.
 */
export function searchKey({ tenant, request, collections }: KeyedSearch): string {
  const { vector, ...rest } = request;
  const where = collections.map(({ state, passageCount, active, building }) => [
    state.collection,
    state.recordSeq,
    state.projectedSeq,
    passageCount,
    active?.space.id,
    active?.vectorCount,
    building?.space.id,
  ]);
  return (
    JSON.stringify([tenant, rest, where, vector?.spaceId]) + (vector === undefined ? "" : vectorText(vector.value))
  );
}

/** The bytes of the vector as text, one character each: a hash would cost as much as it saves, since keys live no longer than a search. */
function vectorText(value: NonNullable<SearchRequest["vector"]>["value"]): string {
  const { buffer, byteOffset, byteLength } = value.values;
  const scale = value.kind === "int8" ? value.scale : 1;
  return `${value.kind}${scale}:${Buffer.from(buffer, byteOffset, byteLength).toString("latin1")}`;
}
