import { beforeAll, expect, it } from "@jest/globals";
import { planText } from "./plan-text.ts";
import { bare, loadParser, withoutValues } from "./sql.ts";

beforeAll(loadParser);

it("takes every value out of an expression, and nothing else", () => {
  expect(
    withoutValues(
      "((t1.name = '비밀''s'::text) AND (x > '-5'::integer) AND (y = 5.2) AND (\"9z\" = E'\\\\a') AND (hashed SubPlan 1) AND (z = $1))",
    ),
  ).toBe('((t1.name = ?::text) AND (x > ?::integer) AND (y = ?) AND ("9z" = ?) AND (hashed SubPlan ?) AND (z = $1))');
});

it("leaves comments and the end of a statement out", () => {
  expect(bare("SELECT 1 /* by 김 */ -- x\n;\n")).toBe("SELECT 1");
});

it("writes a plan as EXPLAIN does", () => {
  const root = {
    "Node Type": "Limit",
    "Startup Cost": 0,
    "Total Cost": 8.5,
    "Plan Rows": 1,
    "Plan Width": 4,
    "Actual Startup Time": 0.011,
    "Actual Total Time": 0.02,
    "Actual Rows": 1,
    "Actual Loops": 1,
    "Shared Hit Blocks": 4,
    Plans: [
      {
        "Node Type": "Index Scan",
        "Scan Direction": "Backward",
        "Index Name": "by_name",
        "Relation Name": "customer",
        Alias: "c",
        "Startup Cost": 0,
        "Total Cost": 8.5,
        "Plan Rows": 1,
        "Plan Width": 4,
        "Index Cond": "(c.name = '비밀'::text)",
        "Rows Removed by Filter": 3,
      },
    ],
  };
  expect(planText(root)).toBe(
    [
      "Limit (cost=0.00..8.50 rows=1 width=4) (actual time=0.01..0.02 rows=1 loops=1)",
      "  Buffers: shared hit=4",
      "  ->  Index Scan Backward using by_name on customer c (cost=0.00..8.50 rows=1 width=4)",
      "        Index Cond: (c.name = ?::text)",
      "        Rows Removed by Filter: 3",
    ].join("\n"),
  );
});
