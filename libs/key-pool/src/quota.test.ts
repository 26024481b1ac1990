import { beforeEach, describe, expect, it } from "@jest/globals";
import { createManualClock, type ManualClock } from "@quartet/testing";
import type { KeyVerdict } from "./http-verdict.ts";
import { createKeyPool, type KeyPool } from "./key-pool.ts";

class ProviderError extends Error {
  readonly verdict: KeyVerdict;
  constructor(verdict: KeyVerdict) {
    super("the provider's words");
    this.verdict = verdict;
  }
}

let clock: ManualClock;
let calls: string[];
/** What the provider says on replies to a key, and whether it refuses. */
let headers: Record<string, Record<string, string>>;
let refuses: Record<string, KeyVerdict>;
beforeEach(() => {
  clock = createManualClock(1_000_000);
  calls = [];
  headers = {};
  refuses = {};
});

const build = (count: number): KeyPool =>
  createKeyPool({
    keys: Array.from({ length: count }, (_, index) => ({ label: `key-${index + 1}`, value: `sk-${index + 1}` })),
    classify: (error) => (error as ProviderError).verdict,
    clock,
    random: () => 0,
  });

const call = (pool: KeyPool, used = 0) =>
  pool
    .run(
      async (_, { label, heard, addUsage }) => {
        calls.push(label);
        heard(new Headers(headers[label]));
        addUsage({ inputTokens: used });
        if (refuses[label]) throw new ProviderError(refuses[label]);
        return label;
      },
      { maxRestWaitMs: 0 },
    )
    .catch((error: unknown) => error);

const told = (remaining: number | string, reset: string, more: Record<string, string> = {}) => ({
  "x-ratelimit-remaining-requests": String(remaining),
  "x-ratelimit-reset-requests": reset,
  ...more,
});
const share = (label: string) => calls.filter((each) => each === label).length;

describe("quota headers of a good reply", () => {
  it.each([
    ["6m0s", 360_000],
    ["1s", 1_000],
    ["12ms", 12],
  ])("keep a key with nothing left out of use for %s while another has some", async (reset, ms) => {
    const pool = build(2);
    headers["key-1"] = told(0, reset);
    await call(pool);
    headers = {};
    for (let count = 0; count < 4; count++) await call(pool);
    expect(calls).toEqual(["key-1", "key-2", "key-2", "key-2", "key-2"]);
    expect(pool.usage()[0]).toMatchObject({ state: "resting", rests: 1, errors: 0, remainingRequests: 0 });
    clock.advance(ms);
    expect(pool.usage()[0]).toMatchObject({ state: "ready", restMs: 0 });
    await call(pool);
    expect(calls.at(-1)).toBe("key-1");
  });

  it("make the only key rest until its window is full again, and one call a minute find out whether that still holds", async () => {
    const pool = build(1);
    headers["key-1"] = told(0, "6m0s");
    await call(pool);
    expect(await call(pool)).toMatchObject({ kind: "resting", retryAfterMs: 60_000 });
    clock.advance(60_000);
    headers["key-1"] = told(3, "6m0s");
    expect(await call(pool)).toBe("key-1");
    expect(await call(pool)).toBe("key-1");
    headers["key-1"] = told(0, "20s");
    await call(pool);
    expect(await call(pool)).toMatchObject({ kind: "resting", retryAfterMs: 20_000 });
    expect(calls).toHaveLength(4);
  });

  it("that go on saying that nothing is left, while calls go well, only make other keys better until the next 429", async () => {
    const pool = build(2);
    refuses["key-2"] = { kind: "rate-limit", retryAfterMs: 3_600_000 };
    headers["key-1"] = told(0, "6m0s");
    await call(pool);
    expect(await call(pool)).toMatchObject({ kind: "resting", retryAfterMs: 60_000 });
    clock.advance(60_000);
    for (let count = 0; count < 5; count++) expect(await call(pool)).toBe("key-1");
    expect(pool.usage()[0]).toMatchObject({ state: "ready" });
    refuses = { "key-1": { kind: "rate-limit", retryAfterMs: 100 } };
    clock.advance(3_600_000);
    await call(pool);
    clock.advance(100);
    refuses = {};
    headers["key-1"] = told(0, "6m0s");
    calls = [];
    for (let count = 0; count < 4; count++) await call(pool);
    expect(share("key-1")).toBe(1);
  });

  it("that say nothing is left, and not until when, change nothing", async () => {
    const pool = build(1);
    headers["key-1"] = told(0, "");
    for (let count = 0; count < 3; count++) expect(await call(pool)).toBe("key-1");
    expect(pool.usage()[0]).toMatchObject({ state: "ready", rests: 0 });
  });

  it("are not needed: a key with something left is used when it is the only one, whatever the tokens", async () => {
    const pool = build(1);
    headers["key-1"] = told(5, "6m0s", { "x-ratelimit-remaining-tokens": "3", "x-ratelimit-reset-tokens": "6m0s" });
    for (let count = 0; count < 5; count++) expect(await call(pool, 100)).toBe("key-1");
  });

  it("weigh the choice: keys are used in proportion to what they have left", async () => {
    const pool = build(3);
    headers = { "key-1": told(9_000, "1m"), "key-2": told(3_000, "1m"), "key-3": told(3_000, "1m") };
    for (let count = 0; count < 500; count++) await call(pool);
    expect(share("key-1")).toBeGreaterThanOrEqual(295);
    expect(share("key-1")).toBeLessThanOrEqual(305);
    expect(Math.abs(share("key-2") - share("key-3"))).toBeLessThanOrEqual(1);
  });

  it("weigh by tokens too, by what a call takes on average", async () => {
    const pool = build(2);
    const tokens = (count: number) => ({
      "x-ratelimit-remaining-tokens": String(count),
      "x-ratelimit-reset-tokens": "1m",
    });
    headers = { "key-1": told(1_000, "1m", tokens(10_000)), "key-2": told(1_000, "1m", tokens(90_000)) };
    for (let count = 0; count < 300; count++) await call(pool, 100);
    expect(share("key-2") / share("key-1")).toBeGreaterThan(7);
    expect(share("key-2") / share("key-1")).toBeLessThan(11);
  });

  it("that make no sense change nothing", async () => {
    const pool = build(2);
    for (const nonsense of ["", "-1", "many", "1e9", "0x0", "9".repeat(40)]) {
      headers = { "key-1": told(nonsense, "soon"), "key-2": told(nonsense, "") };
      for (let count = 0; count < 4; count++) await call(pool);
    }
    expect([share("key-1"), share("key-2")]).toEqual([12, 12]);
    expect(pool.usage().map(({ remainingRequests }) => remainingRequests)).toEqual([undefined, undefined]);
  });

  it("are overruled by a 429, which says when to return", async () => {
    const pool = build(1);
    headers["key-1"] = told(0, "6m0s");
    refuses["key-1"] = { kind: "rate-limit", retryAfterMs: 2_000 };
    expect(await call(pool)).toMatchObject({ kind: "resting", retryAfterMs: 2_000 });
    expect(pool.usage()[0]).toMatchObject({ rests: 1, errors: 1 });
    clock.advance(2_000);
    [headers, refuses] = [{}, {}];
    expect(await call(pool)).toBe("key-1");
  });
});

describe("keys of one organization", () => {
  const acme = { "openai-organization": "acme-canary", "openai-project": "proj_canary" };
  const limit = (retryAfterMs: number): KeyVerdict => ({ kind: "rate-limit", retryAfterMs });

  it("rest together once two met their limit together: one more 429 is the last", async () => {
    const pool = build(3);
    headers = { "key-1": acme, "key-2": acme, "key-3": { ...acme, "openai-project": "proj_other" } };
    refuses = { "key-1": limit(30_000), "key-2": limit(30_000) };
    expect(await call(pool)).toBe("key-3");
    expect(calls).toEqual(["key-1", "key-2", "key-3"]);
    expect(pool.usage().map(({ limitGroup }) => limitGroup)).toEqual(["group-1", "group-1", ""]);
    expect(JSON.stringify(pool.usage())).not.toContain("canary");
    clock.advance(30_000);
    calls = [];
    for (let count = 0; count < 4; count++) expect(await call(pool)).toBe("key-3");
    expect(calls.filter((label) => label !== "key-3")).toHaveLength(1);
    expect(pool.usage().map(({ state }) => state)).toEqual(["resting", "resting", "ready"]);
  });

  it("refuse with the time to return after no more calls than there are keys", async () => {
    const pool = build(2);
    headers = { "key-1": acme, "key-2": acme };
    for (let count = 0; count < 2; count++) await call(pool);
    refuses = { "key-1": limit(30_000), "key-2": limit(30_000) };
    calls = [];
    for (let count = 0; count < 5; count++) {
      expect(await call(pool)).toMatchObject({ kind: "resting", retryAfterMs: 30_000 });
    }
    expect(calls).toHaveLength(2);
  });

  it("rest one by one where the second is let in while the first rests: their limits are their own", async () => {
    const pool = build(3);
    headers = { "key-1": acme, "key-2": acme, "key-3": acme };
    refuses["key-1"] = limit(30_000);
    expect(await call(pool)).toBe("key-2");
    refuses["key-3"] = limit(30_000);
    for (let count = 0; count < 4; count++) expect(await call(pool)).toBe("key-2");
    expect(pool.usage().map(({ limitGroup, state }) => [limitGroup, state])).toEqual([
      ["", "resting"],
      ["", "ready"],
      ["", "resting"],
    ]);
  });

  it("are found out anew after ten minutes: they may have met their limits at the same time by chance", async () => {
    const pool = build(2);
    headers = { "key-1": acme, "key-2": acme };
    refuses = { "key-1": limit(1_000), "key-2": limit(1_000) };
    await call(pool);
    expect(pool.usage()[1]).toMatchObject({ limitGroup: "group-1" });
    clock.advance(600_001);
    refuses = { "key-1": limit(1_000) };
    for (let count = 0; count < 3; count++) expect(await call(pool)).toBe("key-2");
    expect(pool.usage()[1]).toMatchObject({ limitGroup: "" });
  });

  it("are never put together where a key's replies name several: something in between spreads the calls", async () => {
    const pool = build(2);
    headers = { "key-1": acme, "key-2": acme };
    await call(pool);
    headers["key-1"] = { "openai-organization": "another" };
    for (let count = 0; count < 2; count++) await call(pool);
    headers["key-1"] = acme;
    refuses = { "key-1": limit(1_000), "key-2": limit(1_000) };
    await call(pool);
    expect(pool.usage().map(({ limitGroup, state }) => [limitGroup, state])).toEqual([
      ["", "resting"],
      ["", "resting"],
    ]);
  });
});
