import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "@quartet/service";
import { type Batch, type Ledger, type LedgerEntry, MAX_TOTAL_NANOS, type MonthTotals } from "../domain/ledger.ts";
import { monthOfDay } from "../domain/month.ts";

/** Nothing is written to disk, and nothing is left of it. */
const IN_MEMORY = ":memory:";

/** One step for each version; a released one is never changed, only followed by another. */
const migrations: readonly string[] = [
  `
  -- What calls to a model came to, by day of UTC. Tokens of input hold the cached ones.
  CREATE TABLE spending (
    tenant TEXT NOT NULL,
    day TEXT NOT NULL,
    service TEXT NOT NULL,
    model TEXT NOT NULL,
    call_count INTEGER NOT NULL,
    input_token_count INTEGER NOT NULL,
    cached_input_token_count INTEGER NOT NULL,
    output_token_count INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, service, model)
  ) STRICT, WITHOUT ROWID;

  -- The same by month, for each tenant and, under the name of none, for all.
  CREATE TABLE month_total (
    month TEXT NOT NULL,
    tenant TEXT NOT NULL,
    cost_nanos INTEGER NOT NULL,
    PRIMARY KEY (month, tenant)
  ) STRICT, WITHOUT ROWID;

  -- What was recorded, so that a second attempt changes nothing.
  CREATE TABLE recorded_batch (
    id TEXT PRIMARY KEY,
    create_time_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** A batch that nobody knows the fate of is tried again within seconds. */
const REMEMBER_BATCHES_MS = 86_400_000;

/**
 * The ledger in `ledger.db` of a data folder. Several processes of one machine may share it: each transaction is milliseconds long.
 *
 * @throws {StartError} where the folder cannot be used, with one line that says what to do
 */
export function openSqliteLedger({ folder }: { readonly folder: string }): Ledger {
  const database = open(folder);
  const totalOf = database.prepare(
    `SELECT min(cost_nanos, ${MAX_TOTAL_NANOS}) AS nanos FROM month_total WHERE month = ? AND tenant = ?`,
  );
  const raise = database.prepare(
    `INSERT INTO month_total VALUES (?, ?, ?)
     ON CONFLICT (month, tenant) DO UPDATE SET cost_nanos = cost_nanos + excluded.cost_nanos`,
  );
  const add = database.prepare(
    `INSERT INTO spending VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, day, service, model) DO UPDATE SET
       call_count = call_count + excluded.call_count,
       input_token_count = input_token_count + excluded.input_token_count,
       cached_input_token_count = cached_input_token_count + excluded.cached_input_token_count,
       output_token_count = output_token_count + excluded.output_token_count,
       cost_nanos = cost_nanos + excluded.cost_nanos`,
  );
  const note = database.prepare("INSERT INTO recorded_batch VALUES (?, ?) ON CONFLICT DO NOTHING");
  const forget = database.prepare("DELETE FROM recorded_batch WHERE create_time_ms < ?");

  const total = (month: string, tenant: string): number =>
    (totalOf.get(month, tenant) as { nanos: number } | undefined)?.nanos ?? 0;

  const write = (entry: LedgerEntry) => {
    const { tenant, day, service, model, calls, inputTokens, cachedInputTokens, outputTokens, costNanos } = entry;
    add.run(tenant, day, service, model, calls, inputTokens, cachedInputTokens, outputTokens, costNanos);
    for (const name of ["", tenant]) raise.run(monthOfDay(day), name, costNanos);
  };

  return {
    totals: async (month, tenant) => ({ platformNanos: total(month, ""), tenantNanos: total(month, tenant) }),
    record: async ({ id, entries }: Batch) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        forget.run(Date.now() - REMEMBER_BATCHES_MS);
        if (note.run(id, Date.now()).changes > 0) entries.forEach(write);
        database.exec("COMMIT");
      } catch (error) {
        // A full disk rolls back by itself.
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
      return totalsOf(entries, total);
    },
    close: async () => {
      if (database.isOpen) database.close();
    },
  };
}

function totalsOf(
  entries: readonly LedgerEntry[],
  total: (month: string, tenant: string) => number,
): readonly MonthTotals[] {
  return [...Map.groupBy(entries, ({ day }) => monthOfDay(day))].map(([month, some]) => ({
    month,
    platformNanos: total(month, ""),
    tenants: new Map(some.map(({ tenant }) => [tenant, total(month, tenant)])),
  }));
}

function open(folder: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (folder !== IN_MEMORY) mkdirSync(folder, { recursive: true });
    database = new DatabaseSync(folder === IN_MEMORY ? IN_MEMORY : join(folder, "ledger.db"));
    // FULL: what was recorded has reached the disk. WAL: readers and a writer do not wait for each other.
    database.exec("PRAGMA busy_timeout = 1000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, folder);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof StartError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `The ledger of spending in the data folder ${folder} cannot be used (${reason}). Make it readable and writable, or set QUARTET_DATA_DIR to another folder.`,
      { cause: error },
    );
  }
}

function migrate(database: DatabaseSync, folder: string): void {
  // Another process may be about to do the same.
  database.exec("BEGIN IMMEDIATE");
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length) {
    throw new StartError(
      `The ledger of spending in the data folder ${folder} was written by a newer Quartet. Use that version, or set QUARTET_DATA_DIR to another folder.`,
    );
  }
  for (const sql of migrations.slice(version)) database.exec(sql);
  database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
}
