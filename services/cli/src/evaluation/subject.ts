import type { Client } from "@connectrpc/connect";
import type { Filter, QuartetClient } from "@quartet/client";
import type { CompressionService } from "@quartet/contracts/compression/v1/compression_service";

/** The server under measurement, with the corpus in it. */
export interface Subject {
  readonly client: QuartetClient;
  /** The inner service, where the server shows it; it answers UNIMPLEMENTED where not. */
  readonly compression: Client<typeof CompressionService>;
  readonly signal: AbortSignal;
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Where the corpus is; absent if the server holds nothing else. */
  readonly filter: Filter | undefined;
  /** A document's id in the data set. */
  readonly originalId: (documentId: string) => string;
  /** Told after each question. */
  readonly onQuestion: () => void;
}

/** The part of a request that keeps to the corpus. */
export const within = ({ filter }: Subject): { filter?: Filter } => (filter ? { filter } : {});
