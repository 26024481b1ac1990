import { checkSchema, createPool, explain, type Schema, SchemaError, type Transaction } from "@quartet/postgres";
import { StartError } from "@quartet/service";
import type { Logger } from "@quartet/telemetry";
import { type Ledger, type LedgerEntry, MAX_TOTAL_NANOS, type MonthTotals } from "../domain/ledger.ts";

/** The role that services act as: it owns nothing and sees one tenant's rows at a time. */
const role = "quartet_ledger";

/** The ledger's own part of the database. */
export const ledgerSchema: Schema = {
  name: "quartet_ledger",
  roles: [role],
  migrations: new URL("../../migrations/", import.meta.url),
  command: "npm run migrate",
};

export interface PostgresLedgerOptions {
  readonly url: string;
  readonly log: Pick<Logger, "warn">;
}

/** One for what is written, one for what is read; a third for the moment of change. */
const MAX_CONNECTIONS = 3;
/** Statements read two rows or write one batch. */
const STATEMENT_TIMEOUT_MS = 5_000;
const CLOSE_LIMIT_MS = 1_000;

/** The ledger in PostgreSQL: connections are opened when needed, and by no role that is above row-level security. */
export function createPostgresLedger({ url, log }: PostgresLedgerOptions): Ledger {
  const pool = createPool({
    url,
    role,
    schema: ledgerSchema.name,
    applicationName: "quartet-ledger",
    maxConnections: MAX_CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, "an idle connection to PostgreSQL was lost"),
  });
  let isChecked = false;
  /** Once, at the first call that reaches the server, that the schema is this build's. */
  const check = async (signal: AbortSignal) => {
    if (isChecked) return;
    const look = (transaction: Transaction) => checkSchema(ledgerSchema, transaction);
    await pool.transaction({ signal, readOnly: true }, look).catch(explain(ledgerSchema));
    isChecked = true;
  };

  return {
    start: async (signal) => {
      try {
        await check(signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SchemaError) throw new StartError(error.message, { cause: error });
        log.warn(
          { err: error },
          "PostgreSQL does not answer yet: until it does, nothing is spent where a budget holds",
        );
      }
    },
    totals: async (month, tenant, signal) => {
      await check(signal);
      const rows = await pool.transaction({ tenant, signal, readOnly: true }, (transaction) =>
        transaction.query<TotalRow>({
          name: "ledger-totals",
          text: `SELECT tenant, ${told("cost_nanos")} AS nanos FROM month_total WHERE month = $1 AND tenant IN ('', $2)`,
          values: [month, tenant],
        }),
      );
      const of = (name: string) => rows.find((row) => row.tenant === name)?.nanos ?? 0;
      return { platformNanos: of(""), tenantNanos: of(tenant) };
    },
    record: async ({ id, entries }, signal) => {
      await check(signal);
      const rows = await pool.transaction({ signal }, (transaction) =>
        transaction.query<TotalRow & { readonly month: string }>({
          name: "ledger-record",
          text: `SELECT total_month AS month, total_tenant AS tenant, ${told("total_nanos")} AS nanos FROM record_spending($1, $2)`,
          values: [id, JSON.stringify(entries.map(toRow))],
        }),
      );
      return [...Map.groupBy(rows, ({ month }) => month)].map(toTotals);
    },
    close: () => pool.close({ limitMs: CLOSE_LIMIT_MS }),
  };
}

const told = (nanos: string) => `least(${nanos}, ${MAX_TOTAL_NANOS})`;

interface TotalRow {
  /** Empty for all tenants. */
  readonly tenant: string;
  readonly nanos: number;
}

const toTotals = ([month, rows]: readonly [string, readonly TotalRow[]]): MonthTotals => ({
  month,
  platformNanos: rows.find(({ tenant }) => tenant === "")?.nanos ?? 0,
  tenants: new Map(rows.filter(({ tenant }) => tenant !== "").map(({ tenant, nanos }) => [tenant, nanos])),
});

const toRow = (entry: LedgerEntry) => ({
  tenant: entry.tenant,
  day: entry.day,
  service: entry.service,
  model: entry.model,
  call_count: entry.calls,
  input_token_count: entry.inputTokens,
  cached_input_token_count: entry.cachedInputTokens,
  output_token_count: entry.outputTokens,
  cost_nanos: entry.costNanos,
});
