import type { Outbox } from "../domain/outbox.ts";

export interface OutboxWatchOptions {
  readonly outbox: Pick<Outbox, "lag">;
  /** How long a look is good for. Default: 1,000. */
  readonly freshMs?: number;
  /** How long a look may take. Default: 500. */
  readonly limitMs?: number;
}

/** What searches ask about changes that wait, however many ask: one look a second at most. */
export interface OutboxWatch {
  /** How long the oldest change has waited; 0 while that cannot be found out. Never rejects. */
  oldestAgeMs(): number | Promise<number>;
}

export function createOutboxWatch({ outbox, freshMs = 1_000, limitMs = 500 }: OutboxWatchOptions): OutboxWatch {
  let known = { ageMs: 0, atMs: -Infinity };
  let looking: Promise<number> | undefined;

  const look = async (): Promise<number> => {
    try {
      const { oldestAgeMs } = await outbox.lag({ signal: AbortSignal.timeout(limitMs) });
      known = { ageMs: oldestAgeMs, atMs: performance.now() };
    } catch {
      // The record cannot be asked: that is said in another place, and what was known is too old to be repeated.
      known = { ageMs: 0, atMs: performance.now() };
    }
    return known.ageMs;
  };
  return {
    oldestAgeMs() {
      if (performance.now() - known.atMs < freshMs) return known.ageMs;
      looking ??= look().finally(() => (looking = undefined));
      return looking;
    },
  };
}
