import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { CircuitOpenError, createBreaker } from "./breaker.ts";
import type { Breaker, BreakerState, Outcome, Permit } from "./breaker.ts";

const OPEN_MS = 1_000;
const PROBE_MS = 400;
const MINIMUM = 4;
/** opossum reports a success one microtask later. */
const settled = async () => {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
};

let breaker: Breaker;
const changes: string[] = [];
const create = () =>
  createBreaker({
    name: "hop",
    minimumCalls: MINIMUM,
    failurePercent: 50,
    windowMs: 1e9,
    openMs: OPEN_MS,
    probeLimitMs: PROBE_MS,
    events: { stateChanged: (to, from) => changes.push(`${from} -> ${to}`) },
  });
const report = async (...outcomes: Outcome[]) => {
  for (const outcome of outcomes) breaker.acquire().settle(outcome);
  await settled();
};
const open = () => report("failure", "failure", "failure", "failure");
const refusal = (): CircuitOpenError | undefined => {
  try {
    breaker.acquire();
  } catch (error) {
    if (error instanceof CircuitOpenError) return error;
    throw error;
  }
  return undefined;
};

beforeEach(() => {
  jest.useFakeTimers();
  breaker = create();
  changes.length = 0;
});
afterEach(() => {
  breaker.close();
  jest.useRealTimers();
});

describe("createBreaker", () => {
  it("opens on more than the share of failures, and not before the minimum of calls", async () => {
    await report("failure", "failure", "failure");
    expect(breaker.state).toBe("closed");
    await report("failure");
    expect(breaker.state).toBe("open");
  });

  it("stays closed at exactly the share", async () => {
    await report("success", "success", "failure", "failure");
    expect(breaker.state).toBe("closed");
    await report("failure");
    expect(breaker.state).toBe("open");
  });

  it("does not count what is neutral", async () => {
    await report(...Array<Outcome>(50).fill("neutral"), "failure", "failure", "failure");
    expect(breaker.state).toBe("closed");
  });

  it("counts a failure that is reported while a hundred streams are open", async () => {
    const streams = Array.from({ length: 100 }, () => breaker.acquire());
    await report("failure", "failure", "failure", "failure");
    expect(breaker.state).toBe("open");
    for (const stream of streams) stream.settle("success");
    await settled();
    expect(breaker.state).toBe("open");
  });

  it("refuses while it is open, and says for how long", async () => {
    await open();
    expect(refusal()?.retryAfterMs).toBe(OPEN_MS);
    jest.advanceTimersByTime(OPEN_MS - 100);
    expect(refusal()?.retryAfterMs).toBe(100);
    jest.advanceTimersByTime(100);
    expect(breaker.state).toBe("half-open");
  });

  it("admits one probe and closes on its success, with an empty window", async () => {
    await open();
    jest.advanceTimersByTime(OPEN_MS);
    const probe = breaker.acquire();
    expect(refusal()?.retryAfterMs).toBe(PROBE_MS);
    probe.settle("success");
    expect(refusal()).toBeDefined();
    await settled();
    expect(breaker.state).toBe("closed");
    await report("failure", "failure", "failure");
    expect(breaker.state).toBe("closed");
    expect(changes).toEqual(["closed -> open", "open -> half-open", "half-open -> closed"]);
  });

  it("opens again when the probe fails", async () => {
    await open();
    jest.advanceTimersByTime(OPEN_MS);
    await report("failure");
    expect(breaker.state).toBe("open");
    expect(refusal()?.retryAfterMs).toBe(OPEN_MS);
  });

  it("leaves the place of a neutral probe to the next call", async () => {
    await open();
    jest.advanceTimersByTime(OPEN_MS);
    await report("neutral", "neutral");
    expect(breaker.state).toBe("half-open");
    await report("success");
    expect(breaker.state).toBe("closed");
  });

  it("opens again when the probe gives no sign of life, and lets it be as long as it gives them", async () => {
    await open();
    jest.advanceTimersByTime(OPEN_MS);
    const probe = breaker.acquire();
    for (let message = 0; message < 5; message++) {
      jest.advanceTimersByTime(PROBE_MS - 1);
      probe.touch();
    }
    expect(breaker.state).toBe("half-open");
    jest.advanceTimersByTime(PROBE_MS);
    expect(breaker.state).toBe("open");
    probe.settle("success");
    await settled();
    expect(breaker.state).toBe("open");
  });

  it("ignores a permit from before a change of state, and a second settlement", async () => {
    const old = breaker.acquire();
    await open();
    expect(old.current).toBe(false);
    jest.advanceTimersByTime(OPEN_MS);
    old.settle("success");
    await settled();
    expect(breaker.state).toBe("half-open");
    const probe = breaker.acquire();
    probe.settle("neutral");
    probe.settle("failure");
    await settled();
    expect(breaker.state).toBe("half-open");
  });

  it("forgets calls that are older than its window", async () => {
    breaker.close();
    breaker = createBreaker({ name: "hop", minimumCalls: MINIMUM, windowMs: 1_000 });
    await report("failure", "failure", "failure");
    jest.advanceTimersByTime(1_100);
    await report("failure");
    expect(breaker.state).toBe("closed");
  });

  it("lets everything through and runs no timer once it is closed for good", async () => {
    await open();
    breaker.close();
    expect(refusal()).toBeUndefined();
    await open();
    expect(jest.getTimerCount()).toBe(0);
  });

  it("does as its drawing says, in any order of events", async () => {
    const event = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ do: "acquire" } as const) },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant("settle" as const),
          which: fc.nat(),
          outcome: fc.constantFrom<Outcome>("success", "failure", "failure", "neutral"),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("touch" as const), which: fc.nat() }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(100, 400, 600, 1_000) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        breaker.close();
        breaker = create();
        const model = new Model();
        const permits: { real: Permit; model: ModelPermit }[] = [];
        for (const each of events) {
          const chosen = "which" in each && permits.length > 0 ? permits[each.which % permits.length] : undefined;
          if (each.do === "acquire") {
            const expected = model.acquire();
            const refused = expected ? undefined : refusal();
            if (expected) permits.push({ real: breaker.acquire(), model: expected });
            else expect(refused).toBeDefined();
          } else if (each.do === "wait") {
            jest.advanceTimersByTime(each.ms);
            model.wait(each.ms);
          } else if (chosen && each.do === "settle") {
            chosen.real.settle(each.outcome);
            model.settle(chosen.model, each.outcome);
          } else if (chosen) {
            chosen.real.touch();
            model.touch(chosen.model);
          }
          await settled();
          expect(breaker.state).toBe(model.state);
          for (const permit of permits) expect(permit.real.current).toBe(permit.model.epoch === model.epoch);
        }
      }),
      { numRuns: 500 },
    );
  });
});

interface ModelPermit {
  readonly epoch: number;
  settled: boolean;
}

/** The drawing above the code, in the plainest terms: no timers, only times. */
class Model {
  state: BreakerState = "closed";
  epoch = 0;
  #now = 0;
  #since = 0;
  #calls = 0;
  #failures = 0;
  #probe: { permit: ModelPermit; lastSign: number } | undefined;

  #enter(state: BreakerState, at: number) {
    this.state = state;
    this.epoch++;
    this.#since = at;
    this.#probe = undefined;
    this.#calls = this.#failures = 0;
  }

  acquire(): ModelPermit | undefined {
    if (this.state === "open" || this.#probe) return undefined;
    const permit = { epoch: this.epoch, settled: false };
    if (this.state === "half-open") this.#probe = { permit, lastSign: this.#now };
    return permit;
  }

  touch(permit: ModelPermit) {
    if (this.#probe?.permit === permit) this.#probe.lastSign = this.#now;
  }

  settle(permit: ModelPermit, outcome: Outcome) {
    if (permit.settled) return;
    permit.settled = true;
    if (permit.epoch !== this.epoch) return;
    if (this.state === "half-open") {
      this.#probe = undefined;
      if (outcome !== "neutral") this.#enter(outcome === "success" ? "closed" : "open", this.#now);
    } else if (outcome !== "neutral") {
      this.#calls++;
      if (outcome !== "failure") return;
      this.#failures++;
      if (this.#calls >= MINIMUM && this.#failures * 2 > this.#calls) this.#enter("open", this.#now);
    }
  }

  wait(ms: number) {
    const until = this.#now + ms;
    for (;;) {
      const due =
        this.state === "open" ? this.#since + OPEN_MS : this.#probe ? this.#probe.lastSign + PROBE_MS : Infinity;
      if (due > until) break;
      this.#now = due;
      if (this.#probe) this.settle(this.#probe.permit, "failure");
      else this.#enter("half-open", due);
    }
    this.#now = until;
  }
}
