import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { AdviceRunningError } from "../../src/domain/advice.ts";
import { openShop, type Shop } from "./shop.ts";

const { signal } = new AbortController();

describeWithStores("while advice is sought", ["postgres"], ({ postgres }) => {
  let shop: Shop;
  let before: string;

  beforeAll(async () => {
    shop = await openShop(postgres, { purchases: 50_000 });
    for (const customer of [1, 2]) await shop.run("SELECT id FROM purchase WHERE customer = $1", [customer]);
    await shop.run("SELECT id FROM purchase WHERE amount = $1", [5]);
    before = await shop.catalogue();
  }, 120_000);
  afterAll(async () => shop[Symbol.asyncDispose]());

  const query = <Row extends object>(sql: string) =>
    shop.pool.transaction({ signal }, (transaction) => transaction.query<Row>(sql));
  /** Waits until the server builds an index for a trial, or whatever `sql` counts is there. */
  const until = async (sql: string) => {
    for (;;) {
      const [row] = await query<{ count: number }>(sql);
      if ((row?.count ?? 0) > 0) return;
      await sleep(2);
    }
  };
  const advising =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quartet-retrieval-advice'";
  const copying = `${advising} AND query LIKE 'INSERT INTO pg_temp.%' AND state = 'active'`;

  it("nobody who writes waits", async () => {
    const stop = new AbortController();
    let writes = 0;
    const writing = (async () => {
      while (!stop.signal.aborted) {
        await shop.pool.transaction({ signal }, async (transaction) => {
          await transaction.execute("SET LOCAL lock_timeout = 50");
          await transaction.execute("UPDATE purchase SET note = note WHERE id = $1", [(writes % 1000) + 1]);
        });
        writes += 1;
      }
    })();
    const report = await shop.advise();
    stop.abort();
    await writing;
    expect([report.advice.length, writes > 0]).toEqual([2, true]);
  }, 240_000);

  it("a second search for advice is refused", async () => {
    const first = shop.advise();
    await until(copying);
    await expect(shop.advise()).rejects.toThrow(AdviceRunningError);
    await first;
  }, 240_000);

  it("a caller who leaves stops it, and nothing stays", async () => {
    const caller = new AbortController();
    const advice = shop.advise({ signal: caller.signal });
    advice.catch(() => {});
    await until(copying);
    caller.abort(new Error("left"));
    await expect(advice).rejects.toThrow("left");
    await until(`SELECT (1 - least(1, count)) AS count FROM (${advising}) a`);
    expect(await shop.catalogue()).toBe(before);
  }, 240_000);

  it("the end of its connection fails the call, and nothing stays", async () => {
    const advice = shop.advise();
    advice.catch(() => {});
    await until(copying);
    await query(advising.replace("count(*)", "pg_terminate_backend(pid)"));
    await expect(advice).rejects.toThrow();
    await until(`SELECT (1 - least(1, count)) AS count FROM (${advising}) a`);
    expect(await shop.catalogue()).toBe(before);
  }, 240_000);

  it("what is not looked at in time is named", async () => {
    const { unadvised } = await shop.advise({ timeoutMs: 2_900 });
    expect(unadvised.map(({ explanation }) => explanation)).toContainEqual(expect.stringContaining("no time left"));
  }, 240_000);

  it("of tables that are too large a sample is tried, and told", async () => {
    const { advice } = await shop.advise({ maxCopyBytes: 2 * 1024 ** 2 });
    expect(advice.length).toBeGreaterThan(0);
    for (const { sampledRatio } of advice) expect([sampledRatio > 0, sampledRatio < 1]).toEqual([true, true]);
  }, 240_000);

  it("what was made is not proposed again", async () => {
    const { advice } = await shop.advise();
    const sql = advice.map(({ proposal }) => proposal.sql.replaceAll(" CONCURRENTLY", "")).join("\n");
    await shop.pool.transaction({ signal }, (transaction) => transaction.execute(`${sql}; ANALYZE purchase`));
    expect((await shop.advise()).advice).toEqual([]);
  }, 240_000);
});
