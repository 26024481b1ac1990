import { createHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** How late an event loop was, in milliseconds. */
export interface Lag {
  /** By the clock, as monitorEventLoopDelay has it. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The part of it in which the thread itself computed: what remains on a machine that nobody else uses. */
  readonly ownP99Ms: number;
  readonly ownMaxMs: number;
  readonly samples: number;
}

const everyMs = 10;
const perMs = 1e6;

/** Measures the thread that calls it, from now on and for good. `take` gives what was measured since the last time. */
export function createLagMeter(): { take(): Lag } {
  const clock = monitorEventLoopDelay({ resolution: everyMs });
  clock.enable();
  const own = createHistogram();
  let last = now();
  setInterval(() => {
    const current = now();
    const late = current.wallMs - last.wallMs - everyMs;
    // All of the interval: some of it may lie before the timer was due, so that this is the most that it can have been.
    const computed = current.cpuMs - last.cpuMs;
    last = current;
    own.record(Math.max(1, Math.round(Math.min(late, computed) * perMs)));
  }, everyMs).unref();
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / perMs - everyMs);
  return {
    take() {
      const lag = {
        p50Ms: late(clock.percentile(50)),
        p99Ms: late(clock.percentile(99)),
        maxMs: late(clock.max),
        ownP99Ms: own.percentile(99) / perMs,
        ownMaxMs: own.max / perMs,
        samples: clock.count,
      };
      clock.reset();
      own.reset();
      return lag;
    },
  };
}

function now(): { readonly wallMs: number; readonly cpuMs: number } {
  const { user, system } = process.threadCpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
}
