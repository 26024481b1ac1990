import { checkSchema, createPool, explain, type Pool, SchemaError } from "@quartet/postgres";
import { StartError } from "@quartet/service";
import type { Logger } from "@quartet/telemetry";
import type { Stores } from "../../stores.ts";
import { createAccessStore } from "./access-store.ts";
import { createAdvisoryLease } from "./lease.ts";
import { role, schema } from "./schema.ts";

export interface PostgresStoresOptions {
  readonly url: string;
  readonly log: Logger;
  /** Connections for everything but the lease, which has one of its own. Default 8. */
  readonly maxConnections?: number;
}

/** Tokens are read and written in milliseconds; a statement that takes this long is cancelled. */
const STATEMENT_TIMEOUT_MS = 5_000;
const CLOSE_LIMIT_MS = 3_000;

/** The gateway's stores in PostgreSQL: connections are opened when needed, and by no role that is above row-level security. */
export function openPostgresStores({ url, log, maxConnections = 8 }: PostgresStoresOptions): Stores {
  const open = (applicationName: string, max: number) =>
    createPool({
      url,
      role,
      schema: schema.name,
      applicationName,
      maxConnections: max,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      onError: (error) => log.warn({ err: error }, "an idle connection to PostgreSQL was lost"),
    });
  const pool = open("quartet-gateway", maxConnections);
  const leasePool = open("quartet-gateway-lease", 1);
  const checked = onceChecked(pool);
  const guarded = (of: Pool): Pick<Pool, "transaction"> => ({
    async transaction(options, work) {
      await checked(options.signal);
      return await of.transaction(options, work);
    },
  });

  return {
    access: createAccessStore(guarded(pool)),
    lease: createAdvisoryLease({ pool: guarded(leasePool), name: `${schema.name}.indexing` }),
    figures: () => {
      const { size, maxSize, idle, waiting, waitP95Ms } = pool.stats();
      return [{ name: "postgres", size, maxSize, idleCount: idle, waitingCount: waiting, waitP95Ms }];
    },
    async start(signal) {
      try {
        await checked(signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SchemaError) throw new StartError(error.message, { cause: error });
        log.warn({ err: error }, "PostgreSQL does not answer yet: access tokens are looked up when it does");
      }
    },
    async stop() {
      await Promise.all([pool, leasePool].map((each) => each.close({ limitMs: CLOSE_LIMIT_MS })));
    },
  };
}

/** Looks once at whether the schema is this build's, at the first call that reaches the server. */
function onceChecked(pool: Pool): (signal: AbortSignal) => Promise<void> {
  let isChecked = false;
  return async (signal) => {
    if (isChecked) return;
    const look = pool.transaction({ signal, readOnly: true }, (transaction) => checkSchema(schema, transaction));
    await look.catch(explain(schema));
    isChecked = true;
  };
}
