import { beforeEach, describe, expect, it } from "@jest/globals";
import { createManualClock, type ManualClock } from "@quartet/testing";
import type { KeyVerdict } from "./http-verdict.ts";
import { createKeyPool } from "./key-pool.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";
import type { SharedMarks } from "./shared-keys.ts";

class ProviderError extends Error {
  readonly verdict: KeyVerdict;
  constructor(verdict: KeyVerdict) {
    super("the provider's words");
    this.verdict = verdict;
  }
}

/** Marks in memory, as all replicas see them. */
function createMarks(clock: ManualClock) {
  const until = new Map<string, number>();
  const state = { away: false, reads: 0 };
  const marks: SharedMarks = {
    extend: (name, durationMs) => {
      if (!state.away) until.set(name, Math.max(until.get(name) ?? 0, clock.now() + durationMs));
    },
    remainingMs: async (names) => {
      state.reads += 1;
      return state.away ? undefined : names.map((name) => Math.max(0, (until.get(name) ?? 0) - clock.now()));
    },
  };
  return { marks, state, until };
}

let clock: ManualClock;
let shared: ReturnType<typeof createMarks>;
let calls: string[];
/** What the provider says to a key; nothing is an answer. */
let verdicts: Record<string, KeyVerdict>;
beforeEach(() => {
  clock = createManualClock();
  clock.advance(1_000_000);
  shared = createMarks(clock);
  calls = [];
  verdicts = {};
});

/** A replica; its calls are noted as `name:key`. */
function startReplica(name: string, { keys = ["sk-a", "sk-b"], scope = "model" } = {}) {
  const pool = createKeyPool({
    keys: keys.map((value) => ({ label: value, value })),
    classify: (error) => (error as ProviderError).verdict,
    clock,
    sharing: { marks: shared.marks, scope },
  });
  return {
    pool,
    call: () =>
      pool
        .run(async (key) => {
          calls.push(`${name}:${key}`);
          if (verdicts[key]) throw new ProviderError(verdicts[key]);
          return key;
        })
        .catch((error: unknown) => (error instanceof NoKeyAvailableError ? error.kind : String(error))),
    state: () => pool.usage().map(({ state }) => state),
  };
}

const newCalls = () => calls.splice(0);

describe("keys that replicas share", () => {
  it("rest everywhere as soon as one replica is told, and come back everywhere", async () => {
    const [one, two] = [startReplica("1"), startReplica("2")];
    verdicts["sk-a"] = { kind: "rate-limit", retryAfterMs: 20_000 };
    await one.call();
    expect(newCalls()).toEqual(["1:sk-a", "1:sk-b"]);
    for (let count = 0; count < 4; count++) expect(await two.call()).toBe("sk-b");
    expect(newCalls()).toEqual(Array(4).fill("2:sk-b"));
    expect(two.pool.usage()[0]).toMatchObject({ state: "resting", restMs: 20_000, rests: 0 });
    clock.advance(20_001);
    verdicts = {};
    expect([await two.call(), await two.call()].sort()).toEqual(["sk-a", "sk-b"]);
  });

  it("are asked about four times a second at most, however many call", async () => {
    const replica = startReplica("1");
    for (let round = 0; round < 20; round++) {
      await Promise.all([replica.call(), replica.call(), replica.call()]);
      clock.advance(100);
    }
    expect(shared.state.reads).toBe(7);
  });

  it("never rest shorter for a later word, whoever says it", async () => {
    const [one, two] = [startReplica("1", { keys: ["sk-a"] }), startReplica("2", { keys: ["sk-a"] })];
    verdicts["sk-a"] = { kind: "rate-limit", retryAfterMs: 30_000 };
    // Both have asked before either knew.
    await two.pool.run(async () => undefined);
    expect(await one.call()).toBe("resting");
    verdicts["sk-a"] = { kind: "rate-limit", retryAfterMs: 10_000 };
    expect(await two.call()).toBe("resting");
    clock.advance(15_000);
    for (const each of [one, two, startReplica("3", { keys: ["sk-a"] })]) {
      expect(await each.call()).toBe("resting");
      expect(each.pool.usage()[0]!.restMs).toBe(15_000);
    }
  });

  it("are left alone once one replica finds them dead, and found out anew when that is forgotten", async () => {
    const [one, two] = [startReplica("1"), startReplica("2")];
    clock.advance(1_000);
    verdicts = { "sk-a": { kind: "auth" }, "sk-b": { kind: "quota" } };
    expect(await one.call()).toBe("out-of-quota");
    newCalls();
    expect(await two.call()).toBe("out-of-quota");
    expect([newCalls(), two.state()]).toEqual([[], ["refused", "out-of-quota"]]);
    verdicts = {};
    clock.advance(600_001);
    for (const { call } of [one, two]) expect(await call()).toMatch(/^sk-/);
  });

  it("are tried by a replica that starts after they were found dead: a restart says that they were mended", async () => {
    const one = startReplica("1");
    clock.advance(1_000);
    verdicts = { "sk-a": { kind: "quota" }, "sk-b": { kind: "quota" } };
    expect(await one.call()).toBe("out-of-quota");
    clock.advance(5_000);
    verdicts = {};
    expect(await startReplica("2").call()).toBe("sk-a");
  });

  it("cost each replica one call a key where what is shared was wiped or is away", async () => {
    const replicas = [startReplica("1"), startReplica("2"), startReplica("3")];
    verdicts = {
      "sk-a": { kind: "rate-limit", retryAfterMs: 60_000 },
      "sk-b": { kind: "rate-limit", retryAfterMs: 60_000 },
    };
    await replicas[0]!.call();
    shared.until.clear();
    shared.state.away = true;
    newCalls();
    for (let round = 0; round < 5; round++) {
      for (const { call } of replicas) expect(await call()).toBe("resting");
      clock.advance(1_000);
    }
    expect(newCalls().sort()).toEqual(["2:sk-a", "2:sk-b", "3:sk-a", "3:sk-b"]);
  });

  it("are named by a hash alone, and apart for another model or provider", async () => {
    const [one, other] = [startReplica("1"), startReplica("2", { scope: "another model" })];
    verdicts["sk-a"] = { kind: "rate-limit", retryAfterMs: 60_000 };
    await one.call();
    expect([...shared.until.keys()]).toEqual([expect.stringMatching(/^[0-9a-f]{32}:rest$/)]);
    verdicts = {};
    expect(await other.call()).toBe("sk-a");
  });
});
