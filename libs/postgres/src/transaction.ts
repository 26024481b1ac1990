import type pg from "pg";
import { StatementTimeoutError } from "./errors.ts";
import type { Session } from "./session.ts";
import type { StatementTimings } from "./statement-timings.ts";

export interface TransactionOptions {
  /** Whose rows there are, for row-level security. Default: nobody's, so that no row of a tenant is seen. */
  readonly tenant?: string;
  /** Whether the server refuses to write. Default: false. */
  readonly readOnly?: boolean;
  /** Whether all statements see the database as it was at the first. Default: false, each sees what is committed by then. */
  readonly oneSnapshot?: boolean;
  /** Its abort cancels what the server is doing; the call rejects at once, with the signal's reason. */
  readonly signal: AbortSignal;
  /** The longest it may take, the wait for a connection included; then StatementTimeoutError. Default: the pool's `statementTimeoutMs`, for each statement. */
  readonly timeoutMs?: number;
}

/** A statement with its values; with a name it is parsed once per connection. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
}

/** To be used inside its transaction, one statement at a time. */
export interface Transaction {
  /** The rows. bigint comes as a number, jsonb parsed, bytea as a Buffer. */
  query<Row extends object>(statement: string | Statement, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** How many rows the statement changed. */
  execute(statement: string | Statement, values?: readonly unknown[]): Promise<number>;
}

/** The connection was of no use before anything was asked of it: another one may be tried. */
export class BeginError extends Error {}

/** Slack of the server's own limit, which is there for the case that this process cannot ask it to stop. */
const slackMs = 1_000;

interface SessionOptions extends TransactionOptions {
  /** A time of `performance.now()`; Infinity for none. */
  readonly deadline: number;
  /** What the server ends every statement of the connection after. */
  readonly statementTimeoutMs: number;
  /** The role of the connection. */
  readonly role: string | undefined;
  readonly timings: StatementTimings | undefined;
}

/** Runs `work` in a transaction of its own, and returns the connection. */
export async function runTransaction<Result>(
  session: Session,
  {
    tenant,
    readOnly = false,
    oneSnapshot = false,
    signal,
    timeoutMs = Infinity,
    deadline,
    statementTimeoutMs,
    role,
    timings,
  }: SessionOptions,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  let isOver = false;
  let isAborted = false;
  const end = (reason: unknown) => {
    isAborted = true;
    ended.reject(reason);
  };
  const onAbort = () => end(signal.reason);
  const leftMs = deadline - performance.now();
  const timer =
    leftMs === Infinity
      ? undefined
      : setTimeout(
          () => end(new StatementTimeoutError("the transaction took too long", { limitMs: timeoutMs })),
          leftMs,
        );
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const unlessEnded = <T>(step: Promise<T>): Promise<T> => Promise.race([step, ended.promise]);
  const run = async (statement: string | Statement, values: readonly unknown[] = []): Promise<pg.QueryResult> => {
    if (isOver || isAborted) throw new Error("the transaction is over");
    const query = typeof statement === "string" ? { text: statement, values } : statement;
    const sent = session.send(query as pg.QueryConfig);
    if (timings !== undefined) measure(sent, { ...query, role, tenant }, timings);
    return unlessEnded(sent);
  };
  try {
    await unlessEnded(
      begin(session, { tenant, readOnly, oneSnapshot, serverLimitMs: limitOfServer(leftMs, statementTimeoutMs) }),
    );
    const result = await unlessEnded(
      work({
        query: async (statement, values) => (await run(statement, values)).rows,
        execute: async (statement, values) => (await run(statement, values)).rowCount ?? 0,
      }),
    );
    isOver = true;
    if (readOnly) {
      // There is nothing to commit, so nobody waits for the end.
      void session.recover();
      return result;
    }
    const { command } = await unlessEnded(session.send({ text: "COMMIT" }));
    // What a server answers to the commit of a transaction that a failed statement, whose error was caught, has ended already.
    if (command !== "COMMIT") throw new Error("a statement of the transaction failed, and its error was not passed on");
    session.giveBack();
    return result;
  } catch (error) {
    isOver = true;
    const recovered = session.recover();
    // The caller who left does not wait for the cleaning up; who failed finds all locks released.
    if (!isAborted) await recovered;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Notes how long a statement takes, also one that nobody waits for any more. */
function measure(
  sent: Promise<pg.QueryResult>,
  {
    text,
    values = [],
    role,
    tenant,
  }: Statement & { readonly role: string | undefined; readonly tenant: string | undefined },
  timings: StatementTimings,
): void {
  const started = performance.now();
  const note = (rowCount: number) =>
    timings.add({ text, values, role, tenant, rowCount, elapsedMs: performance.now() - started });
  sent.then(
    (result) => note(result.rowCount ?? 0),
    () => note(0),
  );
}

interface BeginOptions {
  readonly tenant: string | undefined;
  readonly readOnly: boolean;
  readonly oneSnapshot: boolean;
  readonly serverLimitMs: number | undefined;
}

/** Undefined where the connection's own limit is no longer. */
function limitOfServer(leftMs: number, statementTimeoutMs: number): number | undefined {
  const limitMs = Math.max(1, Math.ceil(leftMs)) + slackMs;
  return limitMs < statementTimeoutMs ? limitMs : undefined;
}

/** One round trip: the settings end with the transaction, whatever becomes of it. */
async function begin(session: Session, { tenant, readOnly, oneSnapshot, serverLimitMs }: BeginOptions): Promise<void> {
  const parts = [
    ["BEGIN", ...(oneSnapshot ? ["ISOLATION LEVEL REPEATABLE READ"] : []), ...(readOnly ? ["READ ONLY"] : [])].join(
      " ",
    ),
    ...(tenant === undefined ? [] : [`SET LOCAL quartet.tenant = ${literal(tenant)}`]),
    ...(serverLimitMs === undefined ? [] : [`SET LOCAL statement_timeout = ${serverLimitMs}`]),
  ];
  try {
    await session.send({ text: parts.join("; ") });
  } catch (error) {
    throw new BeginError("the transaction did not begin", { cause: error });
  }
}

/** A text as it stands in a statement, whatever `standard_conforming_strings` is. */
function literal(text: string): string {
  if (text === "" || text.includes("\0")) throw new RangeError("a tenant has a name, without NUL");
  return ` E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
