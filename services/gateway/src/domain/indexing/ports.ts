/** What one vector is made from. */
export interface Content {
  readonly contentHash: string;
  readonly text: string;
}

/** How far a collection has come. */
export interface CollectionProgress {
  readonly collection: string;
  readonly passageCount: number;
  /** The space that searches use; undefined until the first vector came. */
  readonly activeSpaceId: string | undefined;
  readonly activeVectorCount: number;
  /** Passages of which the embedder makes no vector, and never will. */
  readonly activeRefusedCount: number;
}

/** What vectors are made for and compared in. */
export interface Space {
  readonly id: string;
}

/**
 * The embedder and the index, as the worker sees them. Every call ends within a limit of its own or when the signal is aborted,
 * and fails with an error that carries a `Reason`.
 */
export interface IndexingPorts<S extends Space, V> {
  /** The space of the embedder as it is configured now. */
  space(signal: AbortSignal): Promise<S>;
  collections(tenant: string, signal: AbortSignal): Promise<readonly CollectionProgress[]>;
  /** A page of what has no vector in the space; the next page begins after it, whether or not vectors were put for it meanwhile. */
  missing(
    request: {
      readonly tenant: string;
      readonly collection: string;
      readonly spaceId: string;
      /** Only of these documents; empty means any. */
      readonly documentIds: readonly string[];
      readonly pageSize: number;
      readonly pageToken: string;
    },
    signal: AbortSignal,
  ): Promise<{ readonly contents: readonly Content[]; readonly nextPageToken: string }>;
  /** One vector per text, in order, or none at all; on behalf of the tenant whose texts they are. */
  embed(tenant: string, texts: readonly string[], spaceId: string, signal: AbortSignal): Promise<readonly V[]>;
  /** How many passages got a vector. */
  store(
    request: {
      readonly tenant: string;
      readonly collection: string;
      readonly space: S;
      readonly vectors: readonly { readonly contentHash: string; readonly vector: V }[];
    },
    signal: AbortSignal,
  ): Promise<number>;
  /**
   * Notes contents of which the embedder makes no vector and never will, so that nothing waits for them any longer, until an operator has them tried
   * again. How many passages with them are noted now: none in a space without a vector.
   */
  refuse(
    request: {
      readonly tenant: string;
      readonly collection: string;
      readonly space: S;
      readonly contentHashes: readonly string[];
    },
    signal: AbortSignal,
  ): Promise<number>;
  /** Lets searches use the space; fails with EMBEDDING_SPACE_INCOMPLETE while passages lack a vector in it that are not refused. */
  activate(
    request: { readonly tenant: string; readonly collection: string; readonly spaceId: string },
    signal: AbortSignal,
  ): Promise<void>;
}
