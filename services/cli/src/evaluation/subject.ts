import type { Client } from "@connectrpc/connect";
import type { Filter, QuartetClient } from "@quartet/client";
import type { CompressionService } from "@quartet/contracts/compression/v1/compression_service";
import type { EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";

/** The server under measurement, with the corpus in it. */
export interface Subject {
  readonly client: QuartetClient;
  /** The inner service, where the server shows it; it answers UNIMPLEMENTED where not. */
  readonly compression: Client<typeof CompressionService>;
  /** As `compression`. */
  readonly embedding: Client<typeof EmbeddingService>;
  readonly index: Client<typeof IndexService>;
  readonly signal: AbortSignal;
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Where the corpus is; absent if the server holds nothing else. */
  readonly filter: Filter | undefined;
  /** By its name. */
  readonly collection: string;
  /** The sources to ask, by name; the server's own choice if empty. */
  readonly sources: readonly string[];
  /** A document's id in the data set. */
  readonly originalId: (documentId: string) => string;
  /** Told after each question. */
  readonly onQuestion: () => void;
}

/** The part of a request that keeps to the corpus and to the sources under measurement. */
export const within = ({ filter, sources }: Subject): { filter?: Filter; sources: string[] } => ({
  ...(filter && { filter }),
  sources: [...sources],
});
