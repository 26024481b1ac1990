import { pathToFileURL } from "node:url";
import type { Transferable } from "node:worker_threads";
import { createBulkhead, createWaitTimes, type Slot } from "@quartet/resilience";
import { Piscina } from "piscina";
import { WorkerLimitError, WorkersClosedError } from "./errors.ts";
import { unwrapped, type WorkerTask } from "./worker-task.ts";

export interface WorkerPoolOptions {
  /** As in figures and metrics. Default: `workers`. */
  readonly name?: string;
  /** Threads at most; they are started when they are needed. 0 runs every task in the caller's thread. */
  readonly size: number;
  /** Tasks that wait for a thread at most; more are refused. Default: 256. */
  readonly maxQueued?: number;
  /** How long a task may wait for a thread. Default: 10 s. */
  readonly maxWaitMs?: number;
  /** How long a thread without work is kept. Default: 60 s. */
  readonly idleMs?: number;
  /** Told of a thread that ended by itself. Default: nobody. */
  readonly onError?: (error: unknown) => void;
}

export interface RunOptions {
  /**
   * Aborted, the caller is answered at once. A task that waits is not begun; one that runs goes on to its end or limit, since ending it means
   * ending its thread.
   */
  readonly signal: AbortSignal;
  /** How long the task may run; then its thread is ended. Default: 30 s. */
  readonly limitMs?: number;
  /** Memory of the input to hand over instead of copying it; the caller has it no longer. */
  readonly transfer?: readonly Transferable[];
}

/** As in PoolStats. */
export interface WorkerPoolFigures {
  readonly name: string;
  readonly size: number;
  readonly maxSize: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  /** The 95th percentile of the wait for a thread over 5 minutes. */
  readonly waitP95Ms: number;
}

/** Threads for heavy computation. The process owns one, gives it to its services, and closes it after them. */
export interface WorkerPool {
  /** Threads at most; 0 where tasks run in the caller's. */
  readonly size: number;
  /**
   * Runs a task in the next free thread.
   *
   * @throws what the task throws, as an Error with its message; {WorkersBusyError} when too many wait, {WorkerLimitError},
   * {WorkersClosedError}, or the signal's reason.
   */
  run<Input, Output>(task: WorkerTask<Input, Output>, input: Input, options: RunOptions): Promise<Output>;
  figures(): WorkerPoolFigures;
  /** Ends all threads; what runs is told WorkersClosedError. */
  close(): Promise<void>;
}

const defaultLimitMs = 30_000;

/** A pool of worker threads. The owner closes it. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { name = "workers", size, maxQueued = 256, maxWaitMs = 10_000, idleMs = 60_000, onError = () => {} } = options;
  if (size === 0) return createInlineWorkers(name);
  const line = createBulkhead({ name, maxInFlight: size, maxQueued, maxWaitMs });
  const waitTimes = createWaitTimes();
  const closed = new AbortController();
  // Waiting is done in `line`, which knows who waits and who runs; Piscina never has more tasks than threads.
  const threads = new Piscina({
    minThreads: 0,
    maxThreads: size,
    idleTimeout: idleMs,
    maxQueue: size,
    recordTiming: false,
    ...threadArguments(),
  });
  threads.on("error", onError);

  const start = async <Input, Output>(
    slot: Slot,
    task: WorkerTask<Input, Output>,
    input: Input,
    { limitMs = defaultLimitMs, transfer = [] }: RunOptions,
  ): Promise<Output> => {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), limitMs);
    try {
      const { file: filename, name: taskName } = task;
      const transferList = [...transfer] as never[];
      return (await threads.run(input, { filename, name: taskName, signal: ending.signal, transferList })) as Output;
    } catch (error) {
      if (closed.signal.aborted) throw new WorkersClosedError();
      throw ending.signal.aborted ? new WorkerLimitError(task.name, limitMs) : error;
    } finally {
      clearTimeout(timer);
      slot.release();
    }
  };

  return {
    size,
    run: async (task, input, runOptions) => {
      if (closed.signal.aborted) throw new WorkersClosedError();
      const { signal } = runOptions;
      const asked = performance.now();
      const isFree = line.inFlight < size;
      const slot = await line.acquire({ signal: isFree ? signal : AbortSignal.any([signal, closed.signal]) });
      waitTimes.add(performance.now() - asked);
      return untilAborted(start(slot, task, input, runOptions), signal);
    },
    figures: () => ({
      name,
      size: threads.threads.length,
      maxSize: size,
      idleCount: Math.max(0, threads.threads.length - line.inFlight),
      waitingCount: line.queued,
      waitP95Ms: waitTimes.p95(),
    }),
    close: async () => {
      closed.abort(new WorkersClosedError());
      await threads.destroy();
    },
  };
}

/** Runs every task in the caller's thread: for tests, and where threads are not wanted. */
export function createInlineWorkers(name = "workers"): WorkerPool {
  return {
    size: 0,
    run: async (task, input, { signal }) => {
      signal.throwIfAborted();
      const module = (await import(pathToFileURL(task.file).href)) as Record<string, (given: unknown) => unknown>;
      const run = module[task.name];
      if (run === undefined) throw new Error(`${task.file} exports no ${task.name}`);
      return unwrapped(await run(input)) as never;
    },
    figures: () => ({ name, size: 0, maxSize: 0, idleCount: 0, waitingCount: 0, waitP95Ms: 0 }),
    close: async () => {},
  };
}

/** A thread finds the sources of other rooms as this process does, but for one that runs tests, whose runner finds them in its own way. */
function threadArguments(): { readonly execArgv?: string[] } {
  const inherits = process.execArgv.some((each) => each.startsWith("--conditions"));
  if (inherits || !import.meta.url.endsWith(".ts")) return {};
  return { execArgv: ["--conditions=@quartet/source", "--disable-warning=ExperimentalWarning"] };
}

async function untilAborted<Output>(work: Promise<Output>, signal: AbortSignal): Promise<Output> {
  // When the signal wins, nobody listens to the work any more.
  work.catch(() => {});
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
