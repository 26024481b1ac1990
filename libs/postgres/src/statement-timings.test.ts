import { describe, expect, it } from "@jest/globals";
import { createStatementTimings, type StatementRun } from "./statement-timings.ts";

const run = (text: string, elapsedMs: number, more: Partial<StatementRun> = {}): StatementRun => ({
  text,
  values: [],
  role: undefined,
  tenant: undefined,
  elapsedMs,
  rowCount: 1,
  ...more,
});

describe("statement timings", () => {
  it("adds up equal texts, and gives those that took the most time first", () => {
    const timings = createStatementTimings();
    timings.add(run("select $1", 1));
    timings.add(run("select 2", 9));
    timings.add(run("select $1", 30, { rowCount: 4 }));
    expect(timings.slowest(5)).toMatchObject([
      { text: "select $1", callCount: 2, totalMs: 31, maxMs: 30, rowCount: 5 },
      { text: "select 2", callCount: 1 },
    ]);
    expect(timings.slowest(1)).toHaveLength(1);
  });

  it("keeps what the slowest call was given, and no more than fits", () => {
    const timings = createStatementTimings({ maxValueBytes: 100 });
    timings.add(run("select $1", 5, { values: ["빠른"], tenant: "acme" }));
    timings.add(run("select $1", 3, { values: ["느린"], tenant: "other" }));
    expect(timings.slowest(1)[0]?.slowest).toEqual({ values: ["빠른"], tenant: "acme" });
    timings.add(run("select $1", 7, { values: [["x".repeat(60)]] }));
    expect(timings.slowest(1)[0]?.slowest).toBeUndefined();
  });

  it("forgets what took the least time, and never grows", () => {
    const timings = createStatementTimings({ maxStatements: 2, maxTextChars: 20 });
    timings.add(run("slow", 100));
    for (let index = 0; index < 50; index += 1) timings.add(run(`once ${index}`, 1));
    timings.add(run("x".repeat(21), 1_000));
    expect(timings.slowest(10).map(({ text }) => text)).toEqual(["slow", "once 49"]);
  });
});
