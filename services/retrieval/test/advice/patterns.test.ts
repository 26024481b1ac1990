import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import type { AdviceReport } from "../../src/domain/advice.ts";
import { adviceFor, openShop, type Shop } from "./shop.ts";

const helped: readonly (readonly [sql: string, values: readonly unknown[], helps: RegExp])[] = [
  [
    "SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer WHERE c.city = $1",
    ["city 7"],
    /ON public\.(purchase \(customer\)|customer \(city\))/,
  ],
  [
    "SELECT id FROM customer WHERE lower(email) = $1",
    ["user77@example.com"],
    /ON public\.customer \(\(lower\(email::text\)\)\)/,
  ],
  [
    "SELECT id, state FROM purchase WHERE cancelled_at IS NOT NULL AND amount > $1",
    [990],
    /\(amount\) WHERE cancelled_at IS NOT NULL/,
  ],
  ["SELECT id FROM purchase WHERE placed_at::date = $1", ["2024-02-05"], /placed_at >= CAST\(\$1 AS date\)/],
  [
    "SELECT id, amount FROM purchase WHERE amount >= $1 ORDER BY id LIMIT 10 OFFSET $2",
    [5, 15_000],
    /id > \$2|purchase \(amount\)/,
  ],
  [
    "SELECT id FROM purchase WHERE customer = $1 OR placed_at = $2",
    [5, "2024-02-05T00:00:00Z"],
    /purchase \(customer\);\nCREATE INDEX .* \(placed_at\);/,
  ],
];

const left: readonly (readonly [sql: string, values: readonly unknown[], why: RegExp])[] = [
  ["SELECT amount FROM purchase WHERE id = $1", [5], /has its index already/],
  ["SELECT id, random() FROM purchase WHERE customer = $1", [6], /calls random/],
  ["SELECT id FROM purchase WHERE customer = $1 FOR UPDATE", [7], /locks rows/],
  ["SELECT id FROM cheap WHERE customer = $1", [8], /other than plain tables/],
];

for (const keepsValues of [true, false]) {
  describeWithStores(
    keepsValues ? "advice with values of calls" : "advice with guessed values",
    ["postgres"],
    ({ postgres }) => {
      let shop: Shop;
      let report: AdviceReport;

      beforeAll(async () => {
        shop = await openShop(postgres, { purchases: 20_000, keepsValues });
        await shop.pool.transaction({ signal: new AbortController().signal }, (transaction) =>
          transaction.execute("CREATE VIEW cheap AS SELECT * FROM purchase WHERE amount < 10"),
        );
        for (const [sql, values] of [...helped, ...left]) await shop.run(sql, values);
        report = await shop.advise();
      }, 400_000);
      afterAll(async () => shop[Symbol.asyncDispose]());

      it.each(helped)("helps %s", (sql, _, helps) => {
        const shared = report.advice.filter(({ explanation }) => explanation.includes("more of these statements"));
        const found = [...adviceFor(report, sql), ...shared].map(
          ({ proposal, explanation }) => `${proposal.sql} ${explanation}`,
        );
        expect(found).toContainEqual(expect.stringMatching(helps));
      });

      it.each(left)("leaves %s", (sql, _, why) => {
        expect(report.unadvised).toContainEqual(
          expect.objectContaining({ statement: sql, explanation: expect.stringMatching(why) }),
        );
      });
    },
  );
}
