/** What is used of a process. */
export interface SignalSource {
  on(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
  off(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/** A signal that comes again so soon is the same one: a terminal and a parent process both pass Ctrl-C on. */
const sameSignalMs = 500;

const exitCodeOfSigint = 130;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * running --SIGINT, SIGTERM or SIGHUP--> aborted --another, later than 500 ms--> exit at once
 *
 * @returns a signal that is aborted by the first, and how to stop listening
 */
export function listenForInterruption(process: SignalSource): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const onSignal = () => {
    const now = performance.now();
    firstAt ??= now;
    if (!controller.signal.aborted) controller.abort();
    else if (now - firstAt > sameSignalMs) process.exit(exitCodeOfSigint);
  };
  for (const name of signals) process.on(name, onSignal);
  const stop = () => {
    for (const name of signals) process.off(name, onSignal);
  };
  return { signal: controller.signal, stop };
}
