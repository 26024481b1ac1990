import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { httpVerdict } from "./http-verdict.ts";
import { createKeyPool, type KeyPool } from "./key-pool.ts";

// Thousands of calls on a fake clock, however busy the machine.
jest.setTimeout(120_000);

/** How a provider limits one key. */
interface Limit {
  readonly requests: number;
  readonly perMs: number;
  /** `window`: so many from its first call on, then none until it is over. `bucket`: it fills all the time, as OpenAI's does. */
  readonly kind: "window" | "bucket";
}

class Refused extends Error {
  readonly status = 429;
  readonly headers: Headers;
  constructor(headers: Headers) {
    super("Rate limit reached");
    this.headers = headers;
  }
}

interface World {
  readonly limits: Readonly<Record<string, Limit>>;
  /** Whether replies say what is left, or a refusal alone when to return. */
  readonly tells: boolean;
  readonly latencyMs: number;
}

/** A provider on the fake clock. A refusal comes as late as an answer, which is the worst case. */
function createProvider({ limits, tells, latencyMs }: World) {
  const used = new Map<string, { left: number; since: number }>();
  const counts = { refused: 0, byKey: new Map<string, number>() };
  const take = (label: string): { isRefused: boolean; headers: Headers } => {
    const limit = limits[label];
    if (limit === undefined) return { isRefused: false, headers: new Headers() };
    const now = performance.now();
    const { requests, perMs, kind } = limit;
    const known = used.get(label) ?? { left: requests, since: now };
    if (kind === "bucket") {
      known.left = Math.min(requests, known.left + ((now - known.since) * requests) / perMs);
      known.since = now;
    } else if (now - known.since >= perMs) Object.assign(known, { left: requests, since: now });
    used.set(label, known);
    const isRefused = known.left < 1;
    if (!isRefused) known.left -= 1;
    const returnMs = kind === "bucket" ? ((1 - known.left) * perMs) / requests : known.since + perMs - now;
    const resetMs = kind === "bucket" ? ((requests - known.left) * perMs) / requests : known.since + perMs - now;
    return {
      isRefused,
      headers: new Headers({
        ...(isRefused && { "retry-after-ms": String(Math.ceil(returnMs)) }),
        ...(tells && {
          "x-ratelimit-limit-requests": String(requests),
          "x-ratelimit-remaining-requests": String(Math.floor(known.left)),
          "x-ratelimit-reset-requests": `${Math.ceil(resetMs)}ms`,
        }),
      }),
    };
  };
  return {
    counts,
    call: (pool: KeyPool) =>
      pool.run(async (_, { label, heard, signal }) => {
        signal.throwIfAborted();
        const { isRefused, headers } = take(label);
        counts.refused += Number(isRefused);
        await new Promise((resolve) => setTimeout(resolve, latencyMs));
        heard(headers);
        if (isRefused) throw new Refused(headers);
        counts.byKey.set(label, (counts.byKey.get(label) ?? 0) + 1);
      }),
  };
}

const build = (count: number) =>
  createKeyPool({
    keys: Array.from({ length: count }, (_, index) => ({ label: `key-${index + 1}`, value: `sk-${index + 1}` })),
    classify: (error) => httpVerdict(error),
    random: () => 0.5,
  });

/** Runs calls, so many at once, and gives the errors. */
async function load(call: () => Promise<void>, { calls, atOnce }: { calls: number; atOnce: number }) {
  const errors: unknown[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun++ < calls) await call().catch((error: unknown) => errors.push(error));
  };
  const all = Promise.all(Array.from({ length: atOnce }, worker));
  await jest.runAllTimersAsync();
  await all;
  return errors;
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const twentyAMinute: Limit = { requests: 20, perMs: 60_000, kind: "window" };
const unequal = (one = 0, other = 0) => Math.abs(one - other) / Math.max(one, other);

describe("three keys, one limited to 20 calls a minute", () => {
  it.each([
    { name: "one call at a time, told what is left", tells: true, atOnce: 1, calls: 300, latencyMs: 500, most: 0 },
    {
      name: "one call at a time, told only when to return",
      tells: false,
      atOnce: 1,
      calls: 300,
      latencyMs: 200,
      most: 2,
    },
    { name: "50 at once, told what is left", tells: true, atOnce: 50, calls: 300, latencyMs: 500, most: 0 },
    {
      name: "50 at once over five minutes, told what is left",
      tells: true,
      atOnce: 50,
      calls: 15_000,
      latencyMs: 1_000,
      most: 0,
    },
    // Those under way to it when the first is refused, and then one a window.
    {
      name: "50 at once over five minutes, told only when to return",
      tells: false,
      atOnce: 50,
      calls: 15_000,
      latencyMs: 800,
      most: 17 + 7,
    },
  ])("$name: no errors, few 429s, and the others are used alike", async ({ tells, atOnce, calls, latencyMs, most }) => {
    const provider = createProvider({ limits: { "key-1": twentyAMinute }, tells, latencyMs });
    const pool = build(3);
    expect(await load(() => provider.call(pool), { calls, atOnce })).toEqual([]);
    const { refused, byKey } = provider.counts;
    expect(refused).toBeLessThanOrEqual(most);
    expect(unequal(byKey.get("key-2"), byKey.get("key-3"))).toBeLessThan(0.05);
    expect(byKey.get("key-1")).toBeGreaterThanOrEqual(Math.min(20, calls / 20));
  });
});

describe("one key alone", () => {
  it.each([
    { kind: "bucket", tells: true, most: 5 },
    { kind: "bucket", tells: false, most: 120 },
    { kind: "window", tells: true, most: 5 },
    { kind: "window", tells: false, most: 50 },
  ] as const)("limited to 60 calls in 4 s by a $kind, told: $tells", async ({ kind, tells, most }) => {
    const provider = createProvider({
      limits: { "key-1": { requests: 60, perMs: 4_000, kind } },
      tells,
      latencyMs: 100,
    });
    const pool = build(1);
    const errors = await load(() => provider.call(pool), { calls: 600, atOnce: 20 });
    expect(errors).toEqual([]);
    expect(provider.counts.refused).toBeLessThanOrEqual(most);
  });
});
