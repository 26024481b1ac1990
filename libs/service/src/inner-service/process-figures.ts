import { availableParallelism, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** What a process says of itself at one moment. */
export interface ProcessFigures {
  /** Of all the processors that it may use, in [0, 1]; over the last 5 to 10 seconds. */
  readonly cpuRatio: number;
  /** Resident, of what the container or the machine has. */
  readonly memoryRatio: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Over the last 30 to 60 seconds. */
  readonly eventLoopLagP99Ms: number;
}

export interface ProcessMeter {
  read(): ProcessFigures;
  /** Ends the measuring. */
  close(): void;
}

const cpuWindowMs = 5_000;
const lagWindowMs = 30_000;
/** Both windows are measured in pairs, the one that is full and the one that fills: a figure is never of a moment only. */
const lagResolutionMs = 20;

/** Measures this process from now on. The owner closes it. */
export function createProcessMeter(): ProcessMeter {
  const lag = monitorEventLoopDelay({ resolution: lagResolutionMs });
  lag.enable();
  let lastLagMs = 0;
  const lagNow = () => Math.max(0, lag.percentile(99) / 1e6 - lagResolutionMs);
  const lagTimer = setInterval(() => {
    lastLagMs = lagNow();
    lag.reset();
  }, lagWindowMs).unref();

  let started = usage();
  let full = usage();
  const cpuTimer = setInterval(() => {
    started = full;
    full = usage();
  }, cpuWindowMs).unref();

  return {
    read() {
      const now = usage();
      const { rss, heapUsed } = process.memoryUsage();
      return {
        cpuRatio: Math.min(
          1,
          (now.cpuMs - started.cpuMs) / Math.max(1, now.atMs - started.atMs) / availableParallelism(),
        ),
        memoryRatio: rss / memoryLimit(),
        residentBytes: rss,
        heapBytes: heapUsed,
        eventLoopLagP99Ms: Math.max(lastLagMs, lagNow()),
      };
    },
    close() {
      clearInterval(lagTimer);
      clearInterval(cpuTimer);
      lag.disable();
    },
  };
}

function usage(): { readonly cpuMs: number; readonly atMs: number } {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, atMs: performance.now() };
}

/** A container's limit; without one, Node tells 0 or more than there is. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
