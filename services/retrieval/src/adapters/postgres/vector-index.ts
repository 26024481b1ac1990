import type { Pool, Transaction, TransactionOptions } from "@quartet/postgres";
import type { VectorIndex } from "../../domain/vector-index.ts";
import { activateSpace } from "./activate-space.ts";
import { withStoreErrors } from "./errors.ts";
import { missingVectors } from "./missing-vectors.ts";
import { passageVectors } from "./passage-vectors.ts";
import { putVectors } from "./put-vectors.ts";
import { refuseContents } from "./refuse-contents.ts";
import { retryRefused } from "./retry-refused.ts";
import { searchVectors } from "./vector-search.ts";

export interface VectorIndexOptions {
  /** Of the role that sees one tenant's rows. */
  readonly pool: Pool;
  /** How many passages of a collection that a filter lets through are compared one by one, rather than by index. Default 20,000. */
  readonly maxExactPassages?: number;
}

/**
 * Vectors in PostgreSQL with pgvector, in half precision. Large collections get their index by `tendVectors`. Errors: StoreUnavailableError,
 * StoreBusyError.
 */
export function createVectorIndex({ pool, maxExactPassages = 20_000 }: VectorIndexOptions): VectorIndex {
  const within = <Result>(options: TransactionOptions, work: (transaction: Transaction) => Promise<Result>) =>
    withStoreErrors(() => pool.transaction(options, work));
  return {
    search: (tenant, query, options) =>
      within({ ...options, tenant, readOnly: true, oneSnapshot: true }, (transaction) =>
        searchVectors(transaction, tenant, query, { maxExactPassages }),
      ),

    vectorsOf: (tenant, query, options) =>
      within({ ...options, tenant, readOnly: true, oneSnapshot: true }, (transaction) =>
        passageVectors(transaction, tenant, query),
      ),

    missing: (tenant, query, options) =>
      within({ ...options, tenant, readOnly: true }, (transaction) => missingVectors(transaction, tenant, query)),

    put: (tenant, collection, space, vectors, options) =>
      within({ ...options, tenant }, (transaction) => putVectors(transaction, { tenant, collection, space, vectors })),

    refuse: (tenant, collection, spaceId, contentHashes, options) =>
      contentHashes.length === 0
        ? Promise.resolve(0)
        : within({ ...options, tenant }, (transaction) =>
            refuseContents(transaction, { tenant, collection, spaceId, contentHashes }),
          ),

    retryRefused: (tenant, collection, options) =>
      within({ ...options, tenant }, (transaction) => retryRefused(transaction, tenant, collection)),

    activate: (tenant, collection, spaceId, options) =>
      within({ ...options, tenant }, (transaction) => activateSpace(transaction, { tenant, collection, spaceId })),
  };
}
