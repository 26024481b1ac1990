import { describe, expect, it } from "@jest/globals";
import { type ConfigError, parseEnv } from "@quartet/service";
import { budgetVariables, checkBudget, limitsIn } from "./config.ts";
import { toNanos } from "./domain/money.ts";

const read = (environment: Record<string, string>) => parseEnv(budgetVariables, environment);
const mistakesOf = (environment: Record<string, string>) => {
  try {
    read(environment);
    return [];
  } catch (error) {
    return (error as ConfigError).mistakes;
  }
};

describe("QUARTET_PRICES", () => {
  it("reads models and their prices, on one line or on several", () => {
    const { prices } = read({
      QUARTET_PRICES: "gpt-4o-mini input=0.15 cached=0.075 output=0.60;\n text-embedding-3-small input=0.02;",
    });
    expect([...prices]).toEqual([
      ["gpt-4o-mini", { inputNanos: toNanos(0.15), cachedInputNanos: toNanos(0.075), outputNanos: toNanos(0.6) }],
      ["text-embedding-3-small", { inputNanos: toNanos(0.02), cachedInputNanos: toNanos(0.02), outputNanos: 0 }],
    ]);
    expect(read({}).prices.size).toBe(0);
  });

  it.each([
    ["gpt-4o output=1", /"gpt-4o" has no price of its input/],
    ["gpt-4o input=1 input=2", /sets input more than once/],
    ["gpt-4o input=cheap", /has "input=cheap". Set it to US dollars/],
    ["gpt-4o input=20000", /at most 10000/],
    ["gpt-4o input=-1", /Set it to US dollars/],
    ["gpt-4o prompt=1", /which is no price. Choose from input, cached, output/],
    ["gpt-4o input=1; gpt-4o input=2", /stands there more than once/],
  ])("refuses %s in one line", (text, said) => {
    const mistakes = mistakesOf({ QUARTET_PRICES: text });
    expect(mistakes.join()).toMatch(said);
    expect(mistakes[0]).toMatch(/^QUARTET_PRICES: /);
  });
});

describe("limits", () => {
  it("reads one for all, one for each tenant and exceptions", () => {
    const limits = limitsIn(
      read({
        QUARTET_BUDGET_PLATFORM: "1000",
        QUARTET_BUDGET_TENANT: "0.5",
        QUARTET_BUDGET_TENANTS: "acme=250, 베타=0",
      }),
    );
    expect(limits).toEqual({
      platformNanos: toNanos(1000),
      tenantNanos: toNanos(0.5),
      exceptions: new Map([
        ["acme", toNanos(250)],
        ["베타", 0],
      ]),
    });
  });

  it.each(["acme", "acme=", "acme=-1", "a b=1", "acme=1,acme=2", "acme=2000000"])("refuses %s", (text) => {
    expect(mistakesOf({ QUARTET_BUDGET_TENANTS: text })).toHaveLength(1);
  });

  it("are refused at the start where they could not be held", () => {
    const model = [{ name: "gpt-4o", variable: "QUARTET_GENERATION_MODEL" }];
    const check =
      (environment: Record<string, string>, models = model) =>
      () =>
        checkBudget(read({ QUARTET_BUDGET_TENANT: "5", ...environment }), models);
    expect(check({})).toThrow(/QUARTET_PRICES: has no price for gpt-4o \(QUARTET_GENERATION_MODEL\)/);
    const QUARTET_PRICES = "gpt-4o input=2.5";
    expect(check({ QUARTET_PRICES })).not.toThrow();
    expect(check({ QUARTET_PRICES, QUARTET_DATA_DIR: ":memory:" })).toThrow(/QUARTET_DATA_DIR: keeps nothing/);
    const DATABASE_URL = "postgres://u:p@host/db";
    expect(check({ QUARTET_PRICES, QUARTET_DATA_DIR: ":memory:", DATABASE_URL })).not.toThrow();
    expect(check({}, [])).not.toThrow();
    expect(() => checkBudget(read({ QUARTET_DATA_DIR: ":memory:" }), model)).not.toThrow();
  });
});
