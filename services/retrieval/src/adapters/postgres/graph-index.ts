import { createCache } from "@quartet/cache";
import { ConflictError, type Pool, type Transaction, type TransactionOptions } from "@quartet/postgres";
import type { GraphIndex } from "../../domain/graph-index.ts";
import type { CallOptions } from "../../domain/record-store.ts";
import { withStoreErrors } from "./errors.ts";
import { deleteEntities, putGraph, waitingDocuments } from "./put-graph.ts";
import { storableIds } from "./rows.ts";
import { searchGraph } from "./search-graph.ts";

export interface GraphIndexOptions {
  /** Of the role that sees one tenant's rows. */
  readonly pool: Pool;
  /** How long it is remembered whether a tenant has a graph. Default 2,000. */
  readonly rememberMs?: number;
}

/** A transaction that stood in another's way is tried again. */
const maxAttempts = 3;
const maxRememberedTenants = 10_000;

/** The graph in PostgreSQL; see migrations/005_graph.sql. Errors: StoreUnavailableError, StoreTimeoutError, StoreBusyError. */
export function createGraphIndex({ pool, rememberMs = 2_000 }: GraphIndexOptions): GraphIndex {
  const within = <Result>(options: TransactionOptions, work: (transaction: Transaction) => Promise<Result>) =>
    withStoreErrors(() => pool.transaction(options, work));
  const writing = <Result>(tenant: string, options: CallOptions, work: (transaction: Transaction) => Promise<Result>) =>
    withStoreErrors(() => retried(() => pool.transaction({ ...options, tenant }, work)));
  const readGraph = async (tenant: string, options: CallOptions) => {
    const text = `SELECT version, entity_count AS "entityCount" FROM graph WHERE tenant = $1`;
    const rows = await within({ ...options, tenant, readOnly: true }, (transaction) =>
      transaction.query<{ version: number; entityCount: number }>({ name: "read-graph", text, values: [tenant] }),
    );
    return rows[0] ?? { version: 0, entityCount: 0 };
  };
  const remembered = createCache<string, { readonly hasEntities: boolean; readonly untilMs: number }>({
    maxEntries: maxRememberedTenants,
  });

  return {
    search: (tenant, query, options) =>
      within({ ...options, tenant, readOnly: true, oneSnapshot: true }, async (transaction) => ({
        hits: await searchGraph({ transaction, tenant }, query),
      })),

    async hasEntities(tenant, options) {
      const known = remembered.get(tenant);
      if (known !== undefined && performance.now() < known.untilMs) return known.hasEntities;
      try {
        const hasEntities = (await readGraph(tenant, options)).entityCount > 0;
        remembered.set(tenant, { hasEntities, untilMs: performance.now() + rememberMs });
        return hasEntities;
      } catch {
        options.signal.throwIfAborted();
        // The leg, where there is one, says what is wrong.
        return known?.hasEntities ?? false;
      }
    },

    version: async (tenant, options) => (await readGraph(tenant, options)).version,

    async put(tenant, graph, options) {
      const changedCount = await writing(tenant, options, (transaction) => putGraph({ transaction, tenant }, graph));
      remembered.delete(tenant);
      // Afterwards, since counting many documents takes a while, in which others may change the graph.
      const waitingDocumentCount = await within({ ...options, tenant, readOnly: true }, (transaction) =>
        waitingDocuments({ transaction, tenant }),
      );
      return { changedCount, waitingDocumentCount };
    },

    async deleteEntities(tenant, entityIds, options) {
      const ids = storableIds([...new Set(entityIds)]);
      const deleted = await writing(tenant, options, (transaction) => deleteEntities({ transaction, tenant }, ids));
      remembered.delete(tenant);
      return deleted;
    },
  };
}

async function retried<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === maxAttempts) throw error;
    }
  }
}
