import { setTimeout } from "node:timers/promises";
import type { Pool, Transaction } from "@quartet/postgres";
import type { Held, Lease } from "../../domain/indexing/lease.ts";
import { withStoreErrors } from "./errors.ts";

export interface AdvisoryLeaseOptions {
  /** With a connection to spare for as long as the lease is held. */
  readonly pool: Pick<Pool, "transaction">;
  /** What is leased, within this database. */
  readonly name: string;
  /** How often the holder looks whether its connection is still there. Default 5,000. */
  readonly heartbeatMs?: number;
}

/** An answer to the heartbeat that takes longer than this does not come. */
const HEARTBEAT_LIMIT_MS = 10_000;

/**
 * A lease that is an advisory lock of a transaction, which stays open as long as the lease is held. The server takes it away from a process
 * that ends, and within its limit for idle transactions from one that is cut off or stands still; then two may work for a moment, which
 * costs work done twice and nothing else, since vectors are put by compare-and-set.
 */
export function createAdvisoryLease({ pool, name, heartbeatMs = 5_000 }: AdvisoryLeaseOptions): Lease {
  return {
    acquire: (signal) =>
      withStoreErrors(() => {
        const asked = Promise.withResolvers<Held | undefined>();
        const lost = new AbortController();
        const releasing = new AbortController();
        const hold = async (transaction: Transaction) => {
          if (!(await tryLock(transaction, name))) return asked.resolve(undefined);
          asked.resolve({
            signal: lost.signal,
            async release() {
              releasing.abort();
              await held;
            },
          });
          while (await pause(heartbeatMs, releasing.signal)) await beat(transaction);
        };
        const held = pool
          .transaction({ signal }, hold)
          .catch((error: unknown) => asked.reject(error))
          .finally(() => lost.abort(new Error("the lease is held no longer")));
        return asked.promise;
      }),
  };
}

async function tryLock(transaction: Transaction, name: string): Promise<boolean> {
  const [row] = await transaction.query<{ held: boolean }>(
    "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS held",
    [name],
  );
  return row?.held === true;
}

/** False when the signal was aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

async function beat(transaction: Transaction): Promise<void> {
  const ended = new AbortController();
  const late = setTimeout(HEARTBEAT_LIMIT_MS, undefined, { signal: ended.signal }).then(
    () => Promise.reject(new Error("PostgreSQL does not answer the heartbeat of the lease")),
    () => undefined,
  );
  try {
    await Promise.race([transaction.query("SELECT 1"), late]);
  } finally {
    ended.abort();
  }
}
