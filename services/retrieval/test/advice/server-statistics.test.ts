import { expect, it } from "@jest/globals";
import { createPool, createStatementTimings } from "@quartet/postgres";
import { describeWithStores } from "@quartet/testing/jest";
import { createAdvisor } from "../../src/adapters/postgres/advise/advisor.ts";
import { never } from "../contract/subject.ts";
import { openShop } from "./shop.ts";

const request = { statementCount: 20, tenant: "default", ...never, timeoutMs: 240_000 };

describeWithStores("statements of others", ["postgres"], ({ postgres }) => {
  it("are advised on where the server keeps statistics of them, else those of the process", async () => {
    await using shop = await openShop(postgres, { purchases: 20_000 });
    const query = <Row extends object>(sql: string) =>
      shop.pool.transaction(never, (transaction) => transaction.query<Row>(sql));
    const [{ preloaded } = { preloaded: "" }] = await query<{ preloaded: string }>(
      "SELECT current_setting('shared_preload_libraries') AS preloaded",
    );
    const hasStatistics = preloaded.includes("pg_stat_statements");
    if (hasStatistics) await query("CREATE EXTENSION pg_stat_statements");
    await shop.run("SELECT id FROM purchase WHERE amount = $1", [5]);
    const other = createPool({ url: shop.url, applicationName: "another application" });
    await other.transaction(never, (transaction) =>
      transaction.query("SELECT id FROM purchase WHERE customer IN (1731, 1732) /* by kim */"),
    );
    await other.close();

    const report = await shop.advise();
    const statements = report.advice.map(({ statement }) => statement);
    expect(report.source).toBe(hasStatistics ? "pg_stat_statements" : "service");
    expect(statements).toContain("SELECT id FROM purchase WHERE amount = $1");
    expect(statements.includes("SELECT id FROM purchase WHERE customer IN ($1, $2)")).toBe(hasStatistics);
    expect(JSON.stringify(report)).not.toMatch(/173[12]|kim/);
  }, 240_000);

  it("that nobody has timed yet are none", async () => {
    await using shop = await openShop(postgres, { purchases: 100 });
    const advisor = createAdvisor({ url: shop.url, timings: createStatementTimings(), maxCopyBytes: 1024 ** 2 });
    expect(await advisor.advise(request)).toEqual({ source: "service", advice: [], unadvised: [] });
  }, 120_000);
});
