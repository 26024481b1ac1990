import { describe, expect, it } from "@jest/globals";
import { createStatementTimings, type Transaction } from "@quartet/postgres";
import { ownMark, readSlowStatements } from "./slow-statements.ts";
import { loadParser } from "./sql.ts";

/** A server whose pg_stat_statements has these texts. */
const serverWith = (texts: readonly string[]): Transaction => ({
  query: async (statement) => {
    const isOfExtension = String(statement).includes("pg_extension");
    const rows = texts.map((text) => ({ text, role: null, calls: 1, total_ms: 5, row_count: 1 }));
    return (isOfExtension ? [{ schema: "public" }] : rows) as never;
  },
  execute: async () => 0,
});

describe("readSlowStatements", () => {
  it("leaves out what writes, what asks the server itself, and the queries of advice itself", async () => {
    await loadParser();
    const server = serverWith([
      `SELECT ${ownMark} concat_ws($1, count(*)) FROM (SELECT id FROM purchase) AS t`,
      "UPDATE purchase SET note = $1",
      "SELECT relname FROM pg_class",
      "<insufficient privilege>",
      "SELECT id /* by hand */ FROM purchase WHERE state = $1;",
    ]);
    const { source, statements } = await readSlowStatements(server, createStatementTimings(), 10);
    expect(source).toBe("pg_stat_statements");
    expect(statements.map(({ text }) => text.replaceAll(/ +/g, " "))).toEqual([
      "SELECT id FROM purchase WHERE state = $1",
    ]);
  });
});
