import { describe, expect, it } from "@jest/globals";
import { createRefreshed } from "./refreshed.ts";

function setUp() {
  const state = { now: 0, loads: 0, fail: false };
  const refreshed = createRefreshed({
    load: async () => {
      state.loads += 1;
      if (state.fail) throw new Error("down");
      return state.loads;
    },
    initial: 0,
    freshMs: 1_000,
    staleMs: 9_000,
    now: () => state.now,
  });
  return { state, refreshed };
}

describe("a refreshed value", () => {
  it("is loaded once for all who ask together, and kept while fresh", async () => {
    const { state, refreshed } = setUp();
    expect(await Promise.all([refreshed.get(), refreshed.get(), refreshed.get()])).toEqual([1, 1, 1]);
    state.now = 999;
    expect(refreshed.get()).toBe(1);
    expect(state.loads).toBe(1);
  });

  it("is given out stale while it is refreshed, and waited for when too old", async () => {
    const { state, refreshed } = setUp();
    await refreshed.get();
    state.now = 1_500;
    expect(refreshed.get()).toBe(1);
    await Promise.resolve();
    await new Promise(setImmediate);
    expect(refreshed.get()).toBe(2);
    state.now = 20_000;
    expect(await refreshed.get()).toBe(3);
  });

  it("stays the last known one while it cannot be had, without asking on every call", async () => {
    const { state, refreshed } = setUp();
    await refreshed.get();
    state.fail = true;
    state.now = 20_000;
    expect(await refreshed.get()).toBe(1);
    expect(refreshed.get()).toBe(1);
    expect(state.loads).toBe(2);
  });

  it("is asked for again after an invalidation, also when one comes during a load", async () => {
    const { refreshed } = setUp();
    const during = refreshed.get();
    refreshed.invalidate();
    await during;
    expect(await refreshed.get()).toBe(2);
    expect(refreshed.get()).toBe(2);
  });
});
