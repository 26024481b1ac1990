import CircuitBreaker from "opossum";
import type { Clock } from "./clock.ts";

/**
 * What a call says about the dependency. `neutral` says nothing: a caller's mistake or cancel, our own shedding, a call that never
 * reached it.
 */
export type Outcome = "success" | "failure" | "neutral";
export type BreakerState = "closed" | "open" | "half-open";

/** The right to make one call. Whoever takes one settles it when the call, or its stream, has ended. */
export interface Permit {
  /** False once the breaker has changed its state: what this call says from then on is about another time, and is not counted. */
  readonly current: boolean;
  /** Only the first call counts. */
  settle(outcome: Outcome): void;
  /** A sign of life, such as a message of a stream: the limit of a probe runs from the last one. */
  touch(): void;
}

export interface BreakerOptions {
  readonly name: string;
  /** Fewer settled calls than this in the window never open it. Default: 20. */
  readonly minimumCalls?: number;
  /** It opens when more than this share of the calls in the window failed. Default: 50. */
  readonly failurePercent?: number;
  /** How long a call counts, in ten steps. Default: 10 s. */
  readonly windowMs?: number;
  /** How long it refuses calls before it tries one. Default: 5 s. */
  readonly openMs?: number;
  /** How long the probe may stay without a sign of life before it counts as failed. Default: 10 s. */
  readonly probeLimitMs?: number;
  readonly clock?: Clock;
  readonly events?: BreakerEvents;
}

/** For metrics. A listener must not throw. */
export interface BreakerEvents {
  stateChanged?(to: BreakerState, from: BreakerState): void;
  refused?(): void;
}

export interface Breaker {
  readonly name: string;
  readonly state: BreakerState;
  /** @throws {CircuitOpenError} when it is open, or half-open with a probe under way. */
  acquire(): Permit;
  /** Ends its timers; from then on it lets every call through. */
  close(): void;
}

/** The dependency is known to fail, so it was not called. */
export class CircuitOpenError extends Error {
  override readonly name = "CircuitOpenError";
  /** When a call may be let through again, at the earliest. */
  readonly retryAfterMs: number;

  constructor(breaker: string, retryAfterMs: number) {
    super(`circuit ${breaker} is open`);
    this.retryAfterMs = retryAfterMs;
  }
}

/*
 * The states, and all that moves between them:
 *
 *                more than failurePercent of the calls settled in windowMs failed,
 *                and there were at least minimumCalls of them
 *     closed -----------------------------------------------------------------> open
 *       ^                                                                       ^  |
 *       | the probe succeeds;                    the probe fails, or shows no   |  | openMs later
 *       | the window starts empty                sign of life in probeLimitMs   |  v
 *       '----------------------------------------------------------------- half-open
 *
 * Half-open admits one call at a time, the probe. A neutral probe leaves the place to the next call. Every change of state starts an epoch:
 * a permit from an earlier one is settled without effect, however late its call ends.
 *
 * opossum is the state machine only. It does not run the call (its own timeout aborts neighbours and frees slots too early, and a filtered error
 * closes a half-open circuit); it is told how the call ended. A failure is told by a synchronous throw, so opossum acts on it within `settle`.
 */

/** @throws nothing; see `acquire`. The owner calls `close`. */
export function createBreaker({
  name,
  minimumCalls = 20,
  failurePercent = 50,
  windowMs = 10_000,
  openMs = 5_000,
  probeLimitMs = 10_000,
  clock = performance,
  events = {},
}: BreakerOptions): Breaker {
  let epoch = 0;
  let openedAt = 0;
  let probe: Permit | undefined;
  let probeTimer: NodeJS.Timeout | undefined;
  let state: BreakerState = "closed";
  let circuit = buildCircuit();

  function buildCircuit() {
    const built = new CircuitBreaker(report, {
      name,
      timeout: false,
      volumeThreshold: minimumCalls,
      errorThresholdPercentage: failurePercent,
      rollingCountTimeout: windowMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      resetTimeout: openMs,
    });
    built.on("open", () => {
      openedAt = clock.now();
      enter("open");
    });
    built.on("halfOpen", () => enter("half-open"));
    built.on("close", () => {
      // A closed opossum circuit remembers the failures that opened it, and the next one would open it again.
      circuit.shutdown();
      circuit = buildCircuit();
      enter("closed");
    });
    return built;
  }

  function enter(next: BreakerState) {
    const from = state;
    state = next;
    epoch++;
    clearTimeout(probeTimer);
    probe = undefined;
    events.stateChanged?.(next, from);
  }

  function refuse(retryAfterMs: number): never {
    events.refused?.();
    throw new CircuitOpenError(name, retryAfterMs);
  }

  function issue(): Permit {
    const born = epoch;
    let settled = false;
    const permit: Permit = {
      get current() {
        return born === epoch;
      },
      settle: (outcome) => {
        if (settled) return;
        settled = true;
        if (probe === permit) clearTimeout(probeTimer);
        if (born !== epoch) return;
        // A probe that succeeds keeps its place until opossum has closed, one microtask later.
        if (outcome === "neutral") probe = probe === permit ? undefined : probe;
        else circuit.fire(outcome).catch(() => {}); // The rejection is our own report coming back.
      },
      touch: () => {
        if (probe === permit && !settled) probeTimer?.refresh();
      },
    };
    return permit;
  }

  return {
    name,
    get state() {
      return state;
    },
    acquire: () => {
      if (state === "open") refuse(Math.max(0, openedAt + openMs - clock.now()));
      if (probe) refuse(probeLimitMs);
      const permit = issue();
      if (state === "half-open") {
        probe = permit;
        probeTimer = setTimeout(() => permit.settle("failure"), probeLimitMs).unref();
      }
      return permit;
    },
    close: () => {
      clearTimeout(probeTimer);
      circuit.shutdown();
      state = "closed";
      probe = undefined;
      epoch++;
    },
  };
}

const REPORTED = new Error("reported as a failure");

function report(outcome: Outcome): Promise<void> {
  if (outcome === "failure") throw REPORTED;
  return Promise.resolve();
}
