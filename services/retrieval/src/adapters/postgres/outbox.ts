import type { Pool, Transaction } from "@quartet/postgres";
import type { ChangeBatch, DocumentChange, Outbox, OutboxCursor } from "../../domain/outbox.ts";
import type { CallOptions } from "../../domain/record-store.ts";
import { withStoreErrors } from "./errors.ts";
import { openLease } from "./lease.ts";
import { changesOfDocuments, oldestChanges, type TakenChange } from "./outbox-rows.ts";

export interface OutboxOptions {
  /** Of the role that sees the changes of all tenants. A batch that is out keeps one of its connections. */
  readonly pool: Pool;
}

/** Held by the transaction of the batch that is out: the server frees it when that ends, or the connection, or the process. */
const lease = "hashtextextended('quartet outbox', 0)";

/**
 * Changes for the keyword index, in PostgreSQL. A batch is a transaction that stays open: the changes are gone with its commit, and still there
 * however else it ends. The server ends it by itself when nothing is heard of it for a minute. Errors: StoreUnavailableError, StoreBusyError.
 */
export function createOutbox({ pool }: OutboxOptions): Outbox {
  const reading = <Result>({ signal }: CallOptions, work: (transaction: Transaction) => Promise<Result>) =>
    withStoreErrors(() => pool.transaction({ signal, readOnly: true }, work));

  return {
    async next(limits, { signal }) {
      const opened = await withStoreErrors(() =>
        openLease(pool, { signal }, async (transaction) => {
          const [lock] = await transaction.query<{ taken: boolean }>(
            `SELECT pg_try_advisory_xact_lock(${lease}) AS taken`,
          );
          if (!lock!.taken) return undefined;
          // A statement of its own: that of the lock sees what was there before it was free.
          const indexes = await readIndexes(transaction);
          return indexes.length === 0 ? undefined : { indexes, taken: await oldestChanges(transaction, limits) };
        }),
      );
      if (opened === undefined) return undefined;
      const { value, finish, giveUp } = opened;
      return toBatch(value, {
        complete: (options) =>
          withStoreErrors(() => finish(options, (transaction) => forget(transaction, value.taken))),
        release: giveUp,
      });
    },

    documents: ({ after, maxDocuments, maxTextBytes }, options) =>
      reading(options, async (transaction) => {
        const afterRow = after === undefined ? 0 : Number(after);
        const rows = await changesOfDocuments(transaction, { afterRow, maxDocuments, maxTextBytes });
        const next = rows.at(-1) && (String(rows.at(-1)!.row) as OutboxCursor);
        return { changes: rows.map(({ change }) => change), next };
      }),

    documentCount: (options) =>
      reading(options, async (transaction) => {
        const [row] = await transaction.query<{ count: number }>("SELECT count(*) AS count FROM document");
        return row!.count;
      }),

    indexes: (options) => reading(options, readIndexes),

    setIndexes: (indexes, { signal }) =>
      withStoreErrors(() =>
        pool.transaction({ signal }, async (transaction) => {
          // As long as a batch may be out; the caller's signal ends it earlier.
          await transaction.execute("SET LOCAL statement_timeout = 0");
          await transaction.query(`SELECT pg_advisory_xact_lock(${lease})`);
          await transaction.execute("UPDATE projection SET indexes = $1::text[]", [indexes]);
        }),
      ),

    lag: (options) =>
      reading(options, async (transaction) => {
        const [row] = await transaction.query<{ waitingCount: number; oldestAgeMs: number | null }>(
          `SELECT (SELECT count(*) FROM outbox) AS "waitingCount",
             (SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 * 1000 FROM outbox ORDER BY seq LIMIT 1) AS "oldestAgeMs"`,
        );
        const { waitingCount, oldestAgeMs } = row!;
        return { waitingCount, oldestAgeMs: Math.max(0, oldestAgeMs ?? 0) };
      }),
  };
}

async function readIndexes(transaction: Transaction): Promise<readonly string[]> {
  const [row] = await transaction.query<{ indexes: string[] }>("SELECT indexes FROM projection");
  return row!.indexes;
}

interface Batch {
  readonly indexes: readonly string[];
  readonly taken: readonly TakenChange[];
}

function toBatch({ indexes, taken }: Batch, end: Pick<ChangeBatch, "complete" | "release">): ChangeBatch {
  const changes = taken.map(({ change }): DocumentChange => change);
  return { indexes, changes, ...end };
}

/**
 * Forgets exactly what was taken, and says of each collection how far the index follows it now: to just before its oldest change that is
 * still waiting. The collections are locked first: else a change that commits meanwhile would be counted in `record_seq` and not seen here.
 */
async function forget(transaction: Transaction, taken: readonly TakenChange[]): Promise<void> {
  const collections = [...new Set(taken.flatMap(({ collectionIds }) => collectionIds))];
  await transaction.query("SELECT FROM collection WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE", [
    collections,
  ]);
  const seqs = taken.flatMap((each) => each.seqs);
  await transaction.execute("DELETE FROM outbox WHERE seq = ANY ($1::bigint[])", [seqs]);
  await transaction.execute(
    `UPDATE collection c SET projected_seq = greatest(projected_seq, coalesce(least(
         (SELECT min(record_seqs[1]) FROM outbox WHERE collection_ids[1] = c.id),
         (SELECT min(record_seqs[2]) FROM outbox WHERE cardinality(collection_ids) > 1 AND collection_ids[2] = c.id)
       ) - 1, record_seq))
     WHERE id = ANY ($1::bigint[])`,
    [collections],
  );
}
