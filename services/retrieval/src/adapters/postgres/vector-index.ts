import type { Pool, Transaction } from "@quartet/postgres";
import type { VectorIndex } from "../../domain/vector-index.ts";
import { activateSpace } from "./activate-space.ts";
import { withStoreErrors } from "./errors.ts";
import { missingVectors } from "./missing-vectors.ts";
import { putVectors } from "./put-vectors.ts";
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
  const within = <Result>(
    options: { readonly tenant: string; readonly signal: AbortSignal; readonly readOnly: boolean },
    work: (transaction: Transaction) => Promise<Result>,
  ) => withStoreErrors(() => pool.transaction(options, work));
  return {
    search: (tenant, query, { signal }) =>
      within({ tenant, signal, readOnly: true }, async (transaction) => {
        // Compiling takes longer than running what is compiled.
        await transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL jit = off");
        return { hits: await searchVectors(transaction, tenant, query, { maxExactPassages }) };
      }),

    missing: (tenant, query, { signal }) =>
      within({ tenant, signal, readOnly: true }, (transaction) => missingVectors(transaction, tenant, query)),

    put: (tenant, collection, space, vectors, { signal }) =>
      within({ tenant, signal, readOnly: false }, (transaction) =>
        putVectors(transaction, { tenant, collection, space, vectors }),
      ),

    activate: (tenant, collection, spaceId, { signal }) =>
      within({ tenant, signal, readOnly: false }, (transaction) =>
        activateSpace(transaction, { tenant, collection, spaceId }),
      ),
  };
}
