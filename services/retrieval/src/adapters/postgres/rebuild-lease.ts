import type { Pool } from "@quartet/postgres";
import { pause } from "@quartet/resilience";
import type { RebuildLease } from "../../domain/rebuild.ts";
import { withStoreErrors } from "./errors.ts";

export interface RebuildLeaseOptions {
  /** One of its connections is kept for as long as an index is built. */
  readonly pool: Pool;
  /** The server ends a transaction that says nothing for a minute; so it says something this often. Default: 15,000. */
  readonly everyMs?: number;
}

/** Held by a transaction that does nothing else: the server frees it when that ends, or the connection, or the process. */
const lease = "hashtextextended('quartet rebuild', 0)";

/** Lets one process of all that share the database build an index. Errors of its own: StoreUnavailableError, StoreBusyError. */
export function createRebuildLease({ pool, everyMs = 15_000 }: RebuildLeaseOptions): RebuildLease {
  return {
    tryRun: async (work, { signal }) => {
      signal.throwIfAborted();
      // Not under the caller's signal: the work is stopped by it, and holds the lease until it has gone back.
      const unstopped = new AbortController().signal;
      return withStoreErrors(() =>
        pool.transaction({ signal: unstopped }, async (transaction) => {
          const [row] = await transaction.query<{ taken: boolean }>(
            `SELECT pg_try_advisory_xact_lock(${lease}) AS taken`,
          );
          if (!row!.taken) return undefined;
          const held = new AbortController();
          const during = AbortSignal.any([signal, held.signal]);
          const keeping = keepAlive(() => transaction.query("SELECT 1"), everyMs, held);
          try {
            return { result: await work(during) };
          } catch (error) {
            throw held.signal.aborted ? held.signal.reason : error;
          } finally {
            held.abort(ended);
            await keeping;
          }
        }),
      );
    },
  };
}

const ended = new Error("the index has been built");

/** Until `held` is aborted; aborts it itself, with the reason, when the connection is lost. Never throws. */
async function keepAlive(say: () => Promise<unknown>, everyMs: number, held: AbortController): Promise<void> {
  try {
    for (;;) {
      await pause(everyMs, held.signal);
      await say();
    }
  } catch (error) {
    held.abort(error);
  }
}
