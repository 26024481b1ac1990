import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { StartError } from "@quartet/service";
import { entryOf, ledgerSuite } from "../test/ledger-suite.ts";
import { openSqliteLedger } from "./sqlite-ledger.ts";

const far = AbortSignal.timeout(60_000);

describe("the ledger in memory", () => {
  ledgerSuite(async () => openSqliteLedger({ folder: ":memory:" }));
});

describe("the ledger in a data folder", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "quartet-ledger-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("keeps what was recorded, for several at once", async () => {
    const one = openSqliteLedger({ folder: join(folder, "new", "folder") });
    const other = openSqliteLedger({ folder: join(folder, "new", "folder") });
    await one.record({ id: "a", entries: [entryOf()] }, far);
    await other.record({ id: "b", entries: [entryOf()] }, far);
    await Promise.all([one.close(), other.close()]);
    const again = openSqliteLedger({ folder: join(folder, "new", "folder") });
    expect(await again.totals("2026-11", "acme", far)).toEqual({ platformNanos: 2_000, tenantNanos: 2_000 });
    await again.close();
  });

  it("keeps what calls came to, by day and model", async () => {
    const ledger = openSqliteLedger({ folder });
    await ledger.record({ id: "a", entries: [entryOf(), entryOf({ day: "2026-11-22" })] }, far);
    await ledger.record({ id: "b", entries: [entryOf()] }, far);
    await ledger.close();
    const database = new DatabaseSync(join(folder, "ledger.db"));
    const rows = database.prepare("SELECT * FROM spending ORDER BY day").all();
    database.close();
    expect(rows.map((row) => ({ ...row }))).toEqual([
      {
        tenant: "acme",
        day: "2026-11-21",
        service: "generation",
        model: "a-model",
        call_count: 2,
        input_token_count: 200,
        cached_input_token_count: 20,
        output_token_count: 40,
        cost_nanos: 2_000,
      },
      expect.objectContaining({ day: "2026-11-22", call_count: 1, cost_nanos: 1_000 }),
    ]);
  });

  it("says in one line what is wrong with a folder that cannot be used, and with a newer ledger", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => openSqliteLedger({ folder: join(folder, "file") })).toThrow(StartError);
    const database = new DatabaseSync(join(folder, "ledger.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(() => openSqliteLedger({ folder })).toThrow(/was written by a newer Quartet/);
  });
});
