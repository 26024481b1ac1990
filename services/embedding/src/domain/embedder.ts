/** What a text is embedded for; some models treat the two apart. */
export type Purpose = "DOCUMENT" | "QUERY";

/** What makes vectors comparable: two vectors may be compared when their spaces' ids are equal, and only then. */
export interface EmbeddingSpace {
  /** Lower-case hex; see `spaceId`. */
  readonly id: string;
  readonly dimensions: number;
  /** HASHED vectors catch spelling, SEMANTIC ones meaning. */
  readonly kind: "HASHED" | "SEMANTIC";
  /** The weight of the vector leg that is safe in convex fusion, 0 to 1. */
  readonly denseWeight: number;
  /** The least cosine at which two questions may share an answer; above 1 never. */
  readonly cacheThreshold: number;
  /** For people. */
  readonly model: string;
}

/** What a provider billed, failed attempts included. */
export interface Usage {
  readonly inputTokens: number;
  /** Calls made to the provider. */
  readonly calls: number;
  /** Whether the provider did not tell all of it. */
  readonly estimated: boolean;
  /** In billionths of a US dollar, by the operator's prices. Absent where the model has none. */
  readonly costNanos?: number | undefined;
}

export interface TextVector {
  /** Of length 1 in the Euclidean norm; all zeros only for a text in which a HASHED space finds nothing. */
  readonly vector: Float32Array;
  /** Whether the end of the text was left out. */
  readonly truncated: boolean;
}

export interface EmbedResult {
  /** One per text, in their order. */
  readonly vectors: readonly TextVector[];
  /** Absent when no provider was asked. */
  readonly usage?: Usage | undefined;
}

export interface EmbedOptions {
  /** On whose behalf: texts of different tenants never share a call. */
  readonly tenant: string;
  readonly purpose: Purpose;
  readonly signal: AbortSignal;
  /** Told of each call that the provider billed, also where others of the same texts fail and there is no result. */
  readonly onUsage?: ((usage: Usage) => void) | undefined;
}

/** Port: turns texts into vectors of one space. */
export interface Embedder {
  /** A space that is known without asking anybody; undefined while it is not. */
  readonly knownSpace: EmbeddingSpace | undefined;
  /**
   * The space, which stays the same for the life of the embedder. One that has to be learned from the model is asked for until the model
   * has answered once.
   *
   * @throws {EmbedderError} when the model does not answer; the signal's reason when it is aborted.
   */
  space(options: { readonly signal: AbortSignal }): Promise<EmbeddingSpace>;
  /**
   * All of the texts or none.
   *
   * @param texts in Unicode NFC, none empty.
   * @throws {EmbedderError}, or the signal's reason when it is aborted.
   */
  embed(texts: readonly string[], options: EmbedOptions): Promise<EmbedResult>;
  /** Closes connections; calls under way fail. */
  close?(): Promise<void>;
}
