import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { adviceFor, openShop, type Shop } from "./shop.ts";

describeWithStores("a statement that PostgreSQL refuses to try", ["postgres"], ({ postgres }) => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await openShop(postgres, { purchases: 20_000, keepsValues: false });
  }, 120_000);
  afterAll(async () => shop[Symbol.asyncDispose]());

  it("is named with the reason, and the others are advised on", async () => {
    // Nothing has that time, so that no note is ever read as a number; values for a trial are drawn from all rows.
    const refused = "SELECT id FROM purchase WHERE cancelled_at = $1 AND note::int > $2";
    await shop.run(refused, ["1999-01-01", 5]);
    await shop.run("SELECT id FROM purchase WHERE customer = $1", [7]);
    const report = await shop.advise();
    expect(report.unadvised).toMatchObject([
      { statement: refused, explanation: "PostgreSQL refused a step of its trial (SQLSTATE 22P02)." },
    ]);
    expect(adviceFor(report, "SELECT id FROM purchase WHERE customer")).toHaveLength(1);
  }, 240_000);
});
