/**
 * A part of a process that is started and stopped: a server, a store, a worker, or several of them as one.
 *
 * `stop` is called once for every component whose `start` was called, even when that `start` failed or ran out of time,
 * so it copes with a half-made start and frees whatever is there.
 */
export interface Component {
  /** As it stands in logs: `rpc server`, `record store`. */
  readonly name: string;
  /** How long `start` may take. Default: 30 s. */
  readonly startLimitMs?: number;
  /** How long `stop` may take. Default: 10 s. */
  readonly stopLimitMs?: number;
  /** Resolves when it can be used. The signal is aborted when the start is given up. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing is left. The signal is aborted when there is no time left to drain. */
  stop(signal: AbortSignal): Promise<void>;
}

export const DEFAULT_START_LIMIT_MS = 30_000;
export const DEFAULT_STOP_LIMIT_MS = 10_000;
