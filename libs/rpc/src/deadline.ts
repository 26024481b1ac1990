/** How long a call may take: what the caller asked for, within what the operator allows. */
export interface DeadlineOptions {
  /** For calls that name no deadline. Default: 30,000. */
  readonly defaultTimeoutMs?: number;
  /** Longer ones are cut to this. Default: 300,000. */
  readonly maxTimeoutMs?: number;
}

export interface Deadlines {
  /** Completes what a caller asked for, in milliseconds; never less than 0, never unbounded. */
  complete(requestedMs: number | undefined): number;
}

export function createDeadlines({ defaultTimeoutMs = 30_000, maxTimeoutMs = 300_000 }: DeadlineOptions): Deadlines {
  return {
    complete: (requestedMs) => Math.min(Math.max(0, requestedMs ?? defaultTimeoutMs), maxTimeoutMs),
  };
}
