import { beforeAll, expect, it } from "@jest/globals";
import { rewrites } from "./rewrites.ts";
import { loadParser, parseStatement } from "./sql.ts";
import type { Table } from "./tables.ts";

beforeAll(loadParser);

/** Columns by name; a question mark for one that may be null. */
const table = (name: string, ...columns: string[]): Table => ({
  oid: 1,
  schema: "public",
  name,
  sql: `public.${name}`,
  bytes: 0,
  rowCount: 0,
  hasRowSecurity: false,
  columns: columns.map((column) => ({
    name: column.replace("?", ""),
    type: "integer",
    isRequired: !column.endsWith("?"),
    distinct: 0,
    width: 4,
  })),
  indexes: [{ name: "key", method: "btree", isUnique: true, keys: ["id"], predicate: undefined, sql: "" }],
});
const tables = [table("a", "id", "x", "y?", "at"), table("b", "id", "a_id", "z?")];
const found = (sql: string) => rewrites(parseStatement(sql)!, tables).map((each) => each.sql.replaceAll(/\s+/g, " "));

it("puts NOT EXISTS for NOT IN where nothing can be null", () => {
  expect(found("SELECT id FROM a WHERE x NOT IN (SELECT a_id FROM b WHERE z = $1)")).toEqual([
    "SELECT id FROM a WHERE NOT (EXISTS (SELECT 1 FROM b WHERE z = $1 AND b.a_id = a.x))",
  ]);
  expect(found("SELECT id FROM a WHERE y NOT IN (SELECT a_id FROM b)")).toEqual([]);
  expect(found("SELECT id FROM a WHERE x NOT IN (SELECT z FROM b)")).toEqual([]);
  expect(found("SELECT id FROM a WHERE x NOT IN (SELECT a_id FROM b LIMIT 5)")).toEqual([]);
  expect(found("SELECT id FROM a WHERE x NOT IN (SELECT id FROM a)")).toEqual([]);
  expect(found("SELECT b.id FROM b LEFT JOIN a ON a.id = b.a_id WHERE a.x NOT IN (SELECT a_id FROM b)")).toEqual([]);
});

it("splits OR over two tables, and gives no row twice", () => {
  expect(found("SELECT a.id FROM a JOIN b ON b.a_id = a.id WHERE a.x = $1 OR b.z = $2")).toEqual([
    "SELECT a.id FROM a JOIN b ON b.a_id = a.id WHERE a.x = $1 UNION ALL SELECT a.id FROM a JOIN b ON b.a_id = a.id WHERE b.z = $2 AND a.x = $1 IS NOT TRUE",
  ]);
  expect(found("SELECT a.id FROM a JOIN b ON b.a_id = a.id WHERE a.x = $1 OR a.y = $2")).toEqual([]);
  expect(found("SELECT DISTINCT a.id FROM a JOIN b ON b.a_id = a.id WHERE a.x = $1 OR b.z = $2")).toEqual([]);
  expect(found("SELECT count(*) FROM a JOIN b ON b.a_id = a.id WHERE a.x = $1 OR b.z = $2")).toEqual([]);
});

it("puts a range for a day", () => {
  expect(found("SELECT id FROM a WHERE at::date = $1")).toEqual([
    "SELECT id FROM a WHERE at >= CAST($1 AS date) AND at < (CAST($1 AS date) + 1)",
  ]);
  expect(found("SELECT id FROM a WHERE at::date = y")).toEqual([]);
  expect(found("SELECT id FROM a WHERE at::date <> $1")).toEqual([]);
});

it("goes on after a key for OFFSET, where the order has no ties", () => {
  expect(found("SELECT id FROM a ORDER BY x DESC, id DESC LIMIT 5 OFFSET $1")).toEqual([
    "SELECT id FROM a WHERE (x, id) < ($1, $2) ORDER BY x DESC, id DESC LIMIT 5",
  ]);
  expect(found("SELECT id FROM a ORDER BY x LIMIT 5 OFFSET $1")).toEqual([]);
  expect(found("SELECT id FROM a ORDER BY y, id LIMIT 5 OFFSET $1")).toEqual([]);
  expect(found("SELECT id FROM a ORDER BY x DESC, id LIMIT 5 OFFSET $1")).toEqual([]);
  const [{ keys }] = rewrites(
    parseStatement("SELECT id FROM a WHERE y = $2 ORDER BY x, id LIMIT $3 OFFSET $1")!,
    tables,
  ) as [Required<ReturnType<typeof rewrites>[0]>];
  expect(keys.valuesBefore([10, "y", 5])).toEqual([9, "y", 5]);
  expect(keys.valuesBefore([0, "y", 5])).toBeUndefined();
  expect(keys.valuesAfter([10, "y", 5], ["7", "8"])).toEqual(["7", "y", 5, "8"]);
});
