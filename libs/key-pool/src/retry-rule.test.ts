import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import type { KeyVerdict } from "./http-verdict.ts";
import type { KeyAttempt } from "./attempt-context.ts";
import { createKeyPool, type KeyPool } from "./key-pool.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";

/** What the provider answers to an attempt, and how long that takes. */
interface Answer {
  readonly verdict: KeyVerdict | "ok";
  readonly takesMs: number;
  /** The answer has begun to go out before the error. */
  readonly begins: boolean;
}

class ProviderError extends Error {
  readonly verdict: KeyVerdict;
  constructor(verdict: KeyVerdict) {
    super(verdict.kind);
    this.verdict = verdict;
  }
}

const MAX_REST_WAIT_MS = 5_000;
/** Waits after failures: up to 1 s, then up to 2 s. Each find of a dead key may cost one more, of up to as much. */
const BACK_OFFS_MS = 3_000;

const build = (count: number): KeyPool =>
  createKeyPool({
    keys: Array.from({ length: count }, (_, index) => ({ label: `key-${index + 1}`, value: `sk-canary-${index + 1}` })),
    classify: (error) => (error instanceof ProviderError ? error.verdict : { kind: "other" }),
    maxRestWaitMs: MAX_REST_WAIT_MS,
  });

/** What may be expected of keys, kept from what they were answered: the longest word on a rest holds, and a dead key is dead for ten minutes. */
function createModel() {
  const restsUntil = new Map<string, number>();
  const deadUntil = new Map<string, number>();
  return {
    mayUse: (label: string, now: number) => (restsUntil.get(label) ?? 0) <= now && (deadUntil.get(label) ?? 0) <= now,
    answered: (label: string, verdict: KeyVerdict, now: number) => {
      if (verdict.kind === "rate-limit") {
        restsUntil.set(label, Math.max(restsUntil.get(label) ?? 0, now + verdict.retryAfterMs!));
      }
      if (verdict.kind === "quota" || verdict.kind === "auth") deadUntil.set(label, now + 600_000);
    },
    restMs: (label: string, now: number) => Math.max(0, (restsUntil.get(label) ?? 0) - now),
    isDead: (label: string, now: number) => (deadUntil.get(label) ?? 0) > now,
  };
}

const verdict = fc.oneof(
  { weight: 3, arbitrary: fc.constant("ok" as const) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 8_000 }).map((ms): KeyVerdict => ({ kind: "rate-limit", retryAfterMs: ms })),
  },
  { weight: 2, arbitrary: fc.constantFrom("server" as const, "other" as const).map((kind): KeyVerdict => ({ kind })) },
  { weight: 1, arbitrary: fc.constantFrom("quota" as const, "auth" as const).map((kind): KeyVerdict => ({ kind })) },
);
const answer = fc.record<Answer>({
  verdict,
  takesMs: fc.nat(300),
  begins: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const call = fc.record({
  afterMs: fc.nat(2_000),
  deadlineMs: fc.nat(9_000),
  waitsForRests: fc.boolean(),
  script: fc.array(answer, { maxLength: 6 }),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** One call against the model. Whatever breaks a rule throws, through the pool or after it. */
async function check(pool: KeyPool, model: ReturnType<typeof createModel>, given: Call): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, given.afterMs));
  const startedAt = performance.now();
  const deadline = startedAt + given.deadlineMs;
  let [attempts, failures, hasBegun, workedMs, finds] = [0, 0, false, 0, 0];
  const broken: string[] = [];
  const rule = (holds: boolean, text: string) => void (holds || broken.push(text));
  const attempt = async (_: string, { label, signal, markBegun }: KeyAttempt) => {
    const now = performance.now();
    rule(model.mayUse(label, now), `${label} is used while it rests or is dead`);
    rule(now <= deadline, "an attempt after the deadline");
    rule(failures < 3, "a fourth attempt");
    rule(!hasBegun, "an attempt after the answer had begun");
    const { verdict, takesMs, begins } = given.script[attempts++] ?? { verdict: "ok", takesMs: 0, begins: false };
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, takesMs);
      signal.addEventListener("abort", () => (clearTimeout(timer), reject(new Error("aborted"))));
    });
    const answeredAt = performance.now();
    workedMs += answeredAt - now;
    if (begins) markBegun();
    hasBegun ||= begins;
    if (verdict === "ok") return;
    model.answered(label, verdict, answeredAt);
    rule(verdict.kind !== "other" || failures < 3, "a mistake is tried again");
    if (verdict.kind === "quota" || verdict.kind === "auth") finds++;
    else failures = verdict.kind === "other" ? Infinity : failures + 1;
    throw new ProviderError(verdict);
  };
  const options = { deadlineMs: given.deadlineMs, ...(given.waitsForRests ? {} : { maxRestWaitMs: 0 }) };
  const error = await pool.run(attempt, options).catch((caught: unknown) => caught);
  const now = performance.now();
  // Timers of one moment come one after the other.
  rule(now <= deadline + 1, `it ends ${now - deadline} ms after its deadline`);
  const waitedMs = now - startedAt - workedMs;
  const most = (given.waitsForRests ? MAX_REST_WAIT_MS + 250 : 0) + BACK_OFFS_MS * (1 + finds);
  rule(waitedMs <= most + 1, `it waited ${waitedMs} ms, and ${most} are allowed`);
  if (error instanceof NoKeyAvailableError) {
    const usage = pool.usage();
    const isAnyAlive = usage.some(({ label }) => !model.isDead(label, now));
    rule((error.kind === "resting") === isAnyAlive, `it says that keys are ${error.kind}`);
  } else {
    rule(error === undefined || error instanceof ProviderError || error instanceof DOMException, String(error));
  }
  if (broken.length > 0) throw new Error(broken.join("; "));
}

describe("whatever the provider answers", () => {
  it("rests only lengthen, dead keys stay away, and no call tries more than three times, after it has begun or past its deadline", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(call, { maxLength: 10 }), async (count, calls) => {
        const pool = build(count);
        const model = createModel();
        const all = Promise.all(calls.map((each) => check(pool, model, each)));
        const outcome = all.catch((error: unknown) => error);
        await jest.runAllTimersAsync();
        expect(await outcome).not.toBeInstanceOf(Error);
        const now = performance.now();
        for (const { label, restMs, state } of pool.usage()) {
          if (!model.isDead(label, now)) expect(Math.abs(restMs - model.restMs(label, now))).toBeLessThanOrEqual(1);
          else expect(["refused", "out-of-quota"]).toContain(state);
        }
      }),
      { numRuns: 400 },
    );
  });
});
