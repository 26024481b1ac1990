import type { Environment } from "../config/reading.ts";
import { composeComponents } from "./compose.ts";
import type { Component } from "./component.ts";
import { createProcessLog } from "./process-log.ts";
import type { ProcessLog } from "./process-log.ts";
import { explained, StartError } from "./start-error.ts";

/** What `createApp` gives: the parts of the process as one, and, when it has one, the logger for what happens to the process itself. */
export interface App extends Component {
  readonly log?: ProcessLog;
}

/** The part of Node's `process` that is used; tests bring their own. */
export interface ProcessLike {
  readonly env: Environment;
  readonly stderr: { write(text: string): unknown };
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  exit(code: number): unknown;
}

export interface RunMainOptions {
  /** How long from the first SIGTERM or SIGINT to the exit. Default: 25 s, inside the 30 s that Kubernetes grants. */
  readonly graceMs?: number;
  /** Default: Node's own. */
  readonly process?: ProcessLike;
}

/** npm and the terminal both pass Ctrl-C on, so the same signal can arrive twice at once; only a later one means "now". */
const SAME_SIGNAL_MS = 500;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;
type StopSignal = keyof typeof SIGNAL_NUMBERS;

/**
 * Runs a process, as the one statement of a main.ts: `await runMain((env) => createApp(parseConfig(env)))`.
 *
 *     created --start--> running --SIGTERM, SIGINT--> draining --stopped--> exit 0
 *        |                  |                            |--grace time over, or a part did not stop--> exit 1
 *        |                  |                            '--second signal--> exit 128 + its number
 *        |                  '--uncaughtException, unhandledRejection (in any state)--> exit 1
 *        |--StartError, such as ConfigError: its lines on stderr--> exit 1
 *        '--does not start: what was started is stopped--> exit 1
 *
 * A signal during the start gives the start up and drains what was started. Resolves with the exit code (tests; a real process has ended).
 */
export async function runMain(
  createApp: (environment: Environment) => App | Promise<App>,
  { graceMs = 25_000, process = globalThis.process }: RunMainOptions = {},
): Promise<number> {
  let log = createProcessLog(process.stderr);
  let firstSignalAt: number | undefined;
  let grace: NodeJS.Timeout | undefined;
  const stopped = new AbortController();
  const expired = new AbortController();
  const { promise: exited, resolve: leave } = Promise.withResolvers<number>();
  // A process without an open socket must still wait for its signal.
  const alive = setInterval(() => {}, 2 ** 30);

  const onSignal = (signal: StopSignal) => {
    const now = performance.now();
    if (firstSignalAt === undefined) {
      firstSignalAt = now;
      log.info({ signal, grace_ms: graceMs }, "draining");
      grace = setTimeout(() => expired.abort(new Error(`not drained within ${graceMs} ms`)), graceMs);
      stopped.abort();
    } else if (now - firstSignalAt >= SAME_SIGNAL_MS) {
      log.warn({ signal }, "second signal: leaving at once");
      leave(128 + SIGNAL_NUMBERS[signal]);
    }
  };
  const onFault = (error: unknown) => {
    log.fatal({ err: error }, "a fault that nothing handled: leaving");
    leave(1);
  };
  const listeners: readonly (readonly [string, (value: unknown) => void])[] = [
    ["SIGTERM", () => onSignal("SIGTERM")],
    ["SIGINT", () => onSignal("SIGINT")],
    ["uncaughtException", onFault],
    ["unhandledRejection", onFault],
  ];
  for (const [event, listener] of listeners) process.on(event, listener);

  const live = async (): Promise<number> => {
    try {
      const app = await raceAbort((async () => createApp(process.env))(), expired.signal);
      log = app.log ?? log;
      return await run(composeComponents(app.name, [app]), { log, stopped: stopped.signal, expired: expired.signal });
    } catch (error) {
      if (error instanceof StartError) process.stderr.write(`${error.message}\n`);
      else log.fatal({ err: error }, "could not be made ready to start");
      return 1;
    }
  };
  void live().then(leave);

  const code = await exited;
  clearInterval(alive);
  clearTimeout(grace);
  for (const [event, listener] of listeners) process.off(event, listener);
  process.exit(code);
  return code;
}

/** From start to stop, as an exit code. */
async function run(
  app: Component,
  { log, stopped, expired }: { readonly log: ProcessLog; readonly stopped: AbortSignal; readonly expired: AbortSignal },
): Promise<number> {
  try {
    await raceAbort(app.start(stopped), expired);
    log.info({}, "started");
    if (!stopped.aborted) await new Promise((resolve) => stopped.addEventListener("abort", resolve, { once: true }));
  } catch (thrown) {
    const error = explained(thrown);
    if (error instanceof StartError) throw error;
    if (stopped.aborted && !expired.aborted && !(error instanceof AggregateError)) {
      log.info({}, "stopped before it had started");
      return 0;
    }
    log.fatal({ err: error }, "did not start");
    return 1;
  }
  try {
    await app.stop(expired);
    log.info({}, "stopped");
    return 0;
  } catch (error) {
    log.error({ err: error }, "did not stop cleanly");
    return 1;
  }
}

/** Waits for `work`, but no longer than until the signal is aborted. */
function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  work.then(resolve, reject);
  return promise;
}
