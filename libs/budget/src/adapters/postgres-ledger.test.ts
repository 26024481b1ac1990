import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { createPool, migrate } from "@quartet/postgres";
import { createTcpProxy, type TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { entryOf, ledgerSuite } from "../test/ledger-suite.ts";
import { createPostgresLedger, ledgerSchema } from "./postgres-ledger.ts";

const far = () => AbortSignal.timeout(60_000);
const log = { warn: () => undefined };

describeWithStores("the ledger in PostgreSQL", ["postgres"], ({ postgres }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await postgres.createDatabase();
    await migrate({ url: database.url, schema: ledgerSchema, signal: far() });
  }, 60_000);
  afterEach(async () => await database.drop());

  ledgerSuite(async () => createPostgresLedger({ url: database.url, log }));

  it("shows a tenant its own rows and the sum of all, whoever asks for what", async () => {
    const ledger = createPostgresLedger({ url: database.url, log });
    const entries = [entryOf(), entryOf({ tenant: "other", costNanos: 5 })];
    await ledger.record({ id: "2b0d7b1e-51a0-4c5e-9c3f-0d4c8a7e6f10", entries }, far());
    await ledger.close();
    const pool = createPool({
      url: database.url,
      role: "quartet_ledger",
      schema: "quartet_ledger",
      applicationName: "test",
    });
    const as = (tenant: string | undefined, sql: string) =>
      pool.transaction({ ...(tenant !== undefined && { tenant }), signal: far() }, (tx) => tx.query<object>(sql));
    expect(await as("acme", "SELECT tenant FROM spending")).toEqual([{ tenant: "acme" }]);
    expect(await as(undefined, "SELECT tenant FROM spending")).toEqual([]);
    expect(await as("acme", "SELECT tenant FROM month_total ORDER BY tenant")).toEqual([
      { tenant: "" },
      { tenant: "acme" },
    ]);
    expect(await as(undefined, "SELECT tenant FROM month_total")).toEqual([{ tenant: "" }]);
    for (const sql of [
      "UPDATE month_total SET cost_nanos = 0",
      "DELETE FROM spending",
      "INSERT INTO month_total VALUES ('2026-11', 'x', 1)",
      "SELECT * FROM recorded_batch",
    ]) {
      await expect(as("acme", sql)).rejects.toMatchObject({ sqlState: "42501" });
    }
    await pool.close();
  });

  it("does not start on a database that is not migrated, and starts on one that is away", async () => {
    await using fresh = await postgres.createDatabase();
    const ledger = createPostgresLedger({ url: fresh.url, log });
    await expect(ledger.start!(far())).rejects.toThrow(/npm run migrate/);
    await ledger.close();
    await using proxy = await createTcpProxy({ target: database.url });
    await proxy.set({ kind: "refuse" });
    const away = createPostgresLedger({ url: proxy.url(database.url), log });
    await away.start!(far());
    await expect(away.totals("2026-11", "acme", far())).rejects.toThrow();
    await proxy.set({ kind: "pass" });
    expect(await away.totals("2026-11", "acme", far())).toEqual({ platformNanos: 0, tenantNanos: 0 });
    await away.close();
  });
});
