import { BulkheadFullError, createBulkhead, createWaitTimes, type Slot } from "@quartet/resilience";
import pg from "pg";
import { clientConfig, type ConnectionOptions, defaultStatementTimeoutMs } from "./connection-options.ts";
import { ConnectionError, PoolBusyError, StatementTimeoutError, toPostgresError } from "./errors.ts";
import { Session } from "./session.ts";
import type { StatementTimings } from "./statement-timings.ts";
import { BeginError, runTransaction, type Transaction, type TransactionOptions } from "./transaction.ts";
import { typeParsers } from "./type-parsers.ts";

export interface PoolOptions extends ConnectionOptions {
  /** Default 10. */
  readonly maxConnections?: number;
  /** How long a caller waits while all connections are in use. Default 2,000. */
  readonly waitTimeoutMs?: number;
  /** Told of every statement of a transaction. Default: nobody is. */
  readonly timings?: StatementTimings;
  /** Told of connections that were lost while nobody used them, for logs. */
  readonly onError?: (error: unknown) => void;
}

export interface PoolStats {
  /** Open connections. */
  readonly size: number;
  readonly maxSize: number;
  /** Open connections without work. */
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** The 95th percentile of the wait over 5 minutes. */
  readonly waitP95Ms: number;
}

export interface Pool {
  /**
   * Runs `work` in a transaction that is committed when it resolves and rolled back when it rejects.
   *
   * @throws {PoolBusyError} when no connection became free in time, {ConnectionError} when there is none to be had, other errors of this
   * library as they come, the signal's reason, and what `work` throws.
   */
  transaction<Result>(
    options: TransactionOptions,
    work: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result>;
  stats(): PoolStats;
  /** Waits for transactions that run, but no longer than `limitMs`, default 5,000; what is left then is cut off. */
  close(options?: { readonly limitMs?: number }): Promise<void>;
}

/** Above this, callers are turned away at once: nobody in a longer line would be served in time. */
const maxWaiting = 1_000;
const idleTimeoutMs = 60_000;
/** Connections are replaced by and by, so that they spread over servers again after one was away. */
const maxLifetimeSeconds = 30 * 60;

/** Connections to one database, opened when needed. The loss of one is the failure of the call that used it and nothing else. */
export function createPool(options: PoolOptions): Pool {
  const { maxConnections = 10, waitTimeoutMs = 2_000, onError = () => {}, role, timings } = options;
  const { statementTimeoutMs = defaultStatementTimeoutMs } = options;
  const clients = new pg.Pool({
    ...clientConfig(options),
    types: typeParsers,
    max: maxConnections,
    idleTimeoutMillis: idleTimeoutMs,
    maxLifetimeSeconds,
  });
  clients.on("error", (error) => onError(toPostgresError(error)));
  // The driver tells a client that is lent of its loss by an event too, although the statement has failed by then.
  clients.on("connect", (client) => client.on("error", () => {}));
  const places = createBulkhead({
    name: "postgres",
    maxInFlight: maxConnections,
    maxQueued: maxWaiting,
    maxWaitMs: waitTimeoutMs,
  });
  const waits = createWaitTimes();
  const lent = new Set<Session>();
  const used = new WeakSet<pg.PoolClient>();
  let closing: Promise<void> | undefined;

  const takePlace = async (signal: AbortSignal, limitMs: number): Promise<Slot> => {
    const started = performance.now();
    try {
      return await places.acquire({ signal, maxWaitMs: Math.max(0, limitMs) });
    } catch (error) {
      throw error instanceof BulkheadFullError ? new PoolBusyError() : error;
    } finally {
      waits.add(performance.now() - started);
    }
  };

  const connect = async (
    slot: Slot,
    { signal, timeoutMs = Infinity }: TransactionOptions,
    deadline: number,
  ): Promise<{ session: Session; isFresh: boolean }> => {
    const connecting = clients.connect();
    const left = Promise.withResolvers<never>();
    const onAbort = () => left.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    // Who left while taking the place tells no listener any more.
    if (signal.aborted) onAbort();
    const onDeadline = () => left.reject(new StatementTimeoutError("connecting took too long", { limitMs: timeoutMs }));
    const timer = deadline === Infinity ? undefined : setTimeout(onDeadline, deadline - performance.now());
    let client: pg.PoolClient;
    try {
      client = await Promise.race([connecting, left.promise]);
    } catch (error) {
      // Who left does not wait for the connection, which goes to somebody else.
      void connecting
        .then(
          (late) => late.release(),
          () => {},
        )
        .finally(() => slot.release());
      throw signal.aborted ? signal.reason : toPostgresError(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
    const session = new Session(client, () => {
      lent.delete(session);
      slot.release();
    });
    lent.add(session);
    const isFresh = !used.has(client);
    used.add(client);
    return { session, isFresh };
  };

  return {
    async transaction(asked, work) {
      const { signal, timeoutMs = Infinity } = asked;
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        signal.throwIfAborted();
        if (closing !== undefined) throw new ConnectionError("the pool is closed");
        const slot = await takePlace(signal, deadline - performance.now());
        const { session, isFresh } = await connect(slot, asked, deadline);
        try {
          return await runTransaction(session, { ...asked, deadline, statementTimeoutMs, role, timings }, work);
        } catch (error) {
          if (!(error instanceof BeginError)) throw error;
          // A connection that was lost unnoticed, as in a restart of the server. Nothing was asked of it, so another one is tried.
          if (isFresh || !(error.cause instanceof ConnectionError)) throw error.cause;
        }
      }
    },

    stats: () => ({
      size: clients.totalCount,
      maxSize: maxConnections,
      idle: clients.idleCount,
      waiting: places.queued,
      waitP95Ms: waits.p95(),
    }),

    close({ limitMs = 5_000 } = {}) {
      closing ??= (async () => {
        const timer = setTimeout(() => lent.forEach((session) => session.discard()), limitMs);
        await clients.end();
        clearTimeout(timer);
      })();
      return closing;
    },
  };
}
