import { describe, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { createRounds } from "./rounds.ts";

const signal = new AbortController().signal;

function setUp({ tenants = ["a", "b", "c"], maxTenants = 100 } = {}) {
  const visits: string[] = [];
  const told: unknown[] = [];
  const left = new Map<string, number>();
  const failing = new Set<string>();
  const rounds = createRounds({
    tenants: async () => tenants,
    maxTenants,
    failed: (error) => told.push(error),
    async index(tenant) {
      visits.push(tenant);
      if (failing.has(tenant)) throw new Error(`no luck with ${tenant}`);
      const count = left.get(tenant) ?? 0;
      left.set(tenant, Math.max(0, count - 10));
      return Math.min(count, 10);
    },
  });
  return { rounds, visits, told, left, failing };
}

describe("rounds over the tenants", () => {
  it("leave one without money alone for a while, however many there are, and go on with the others", async () => {
    const visits: string[] = [];
    const told: unknown[] = [];
    let nowMs = 0;
    const spent = new Set(["a", "b", "c", "d"]);
    const rounds = createRounds({
      tenants: async () => ["a", "b", "c", "d", "e"],
      failed: (error) => told.push(error),
      now: () => nowMs,
      async index(tenant) {
        visits.push(tenant);
        if (!spent.has(tenant)) return 1;
        throw quartetError({
          code: Code.ResourceExhausted,
          reason: "BUDGET_EXHAUSTED",
          message: "spent",
          retryDelayMs: 30 * 86_400_000,
        });
      },
    });
    expect(await rounds.round(signal)).toBe(1);
    expect([visits.splice(0), told]).toEqual([["a", "b", "c", "d", "e"], Array(4).fill(expect.anything())]);
    rounds.news("a");
    expect(await rounds.round(signal)).toBe(1);
    expect(visits.splice(0)).toEqual(["e"]);
    nowMs = 5 * 60_000;
    spent.delete("b");
    expect(await rounds.round(signal)).toBe(2);
    expect(visits.sort()).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("begin with those that have news, and count what was done", async () => {
    const { rounds, visits, left } = setUp();
    left.set("c", 3);
    rounds.news("c");
    rounds.news("new");
    expect(await rounds.round(signal)).toBe(3);
    expect(visits).toEqual(["c", "new", "a", "b"]);
    expect(await rounds.round(signal)).toBe(0);
  });

  it("give a large tenant a turn at a time, and every other one as well", async () => {
    const { rounds, visits, left } = setUp();
    left.set("a", 25);
    const counts = [await rounds.round(signal), await rounds.round(signal), await rounds.round(signal)];
    expect(counts).toEqual([10, 10, 5]);
    expect(visits.filter((tenant) => tenant === "b")).toHaveLength(3);
  });

  it("come to all of many tenants in turn", async () => {
    const tenants = Array.from({ length: 7 }, (_, index) => `t${index}`);
    const { rounds, visits } = setUp({ tenants, maxTenants: 3 });
    for (let count = 0; count < 7; count += 1) await rounds.round(signal);
    for (const tenant of tenants) expect(visits.filter((each) => each === tenant)).toHaveLength(3);
  });

  it("go on past a tenant that fails, which is told", async () => {
    const { rounds, visits, told, left, failing } = setUp();
    failing.add("b");
    left.set("c", 1);
    expect(await rounds.round(signal)).toBe(1);
    expect(visits).toEqual(["a", "b", "c"]);
    expect(told).toHaveLength(1);
  });

  it("fail when all do alike, after few, and begin with those again", async () => {
    const { rounds, visits, failing } = setUp({ tenants: ["a", "b", "c", "d", "e"] });
    for (const tenant of ["a", "b", "c", "d", "e"]) failing.add(tenant);
    rounds.news("d");
    await expect(rounds.round(signal)).rejects.toThrow("no luck with d");
    expect(visits).toEqual(["d", "a", "b"]);
    failing.clear();
    visits.length = 0;
    await rounds.round(signal);
    expect(visits.slice(0, 3)).toEqual(["d", "a", "b"]);
  });

  it("end when they are told to", async () => {
    const stop = new AbortController();
    const rounds = createRounds({
      tenants: async () => ["a", "b"],
      failed: () => undefined,
      async index() {
        stop.abort(new Error("stop"));
        throw new Error("broken off");
      },
    });
    await expect(rounds.round(stop.signal)).rejects.toThrow("stop");
  });
});
