/** What makes vectors comparable; see the contract's `EmbeddingSpace`. */
export interface EmbeddingSpace {
  readonly id: string;
  readonly dimensions: number;
  /** `hashed`: sparse, of spelling, without a model. `semantic`: dense, by a model. */
  readonly kind: "hashed" | "semantic";
  /** The weight of the vector leg that is safe in convex fusion, in [0, 1]. */
  readonly denseWeight: number;
  readonly cacheThreshold: number;
  readonly model: string;
}

/** Where a collection stands: both numbers only grow, and are equal when the keyword index lags behind nothing. */
export interface CollectionState {
  readonly collection: string;
  readonly recordSeq: number;
  readonly projectedSeq: number;
}

/** A space of a collection, with the passages that have a vector in it, and those of which its embedder makes none. */
export interface SpaceProgress {
  readonly space: EmbeddingSpace;
  readonly vectorCount: number;
  readonly refusedCount: number;
}

/** How many passages of a collection still wait for their vector in a space. */
export function pendingCount(passageCount: number, space: Omit<SpaceProgress, "space"> | undefined): number {
  return passageCount - (space?.vectorCount ?? 0) - (space?.refusedCount ?? 0);
}

export interface Collection {
  readonly state: CollectionState;
  readonly documentCount: number;
  readonly passageCount: number;
  readonly active: SpaceProgress | undefined;
  readonly building: SpaceProgress | undefined;
}
