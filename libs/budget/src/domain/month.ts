/** A calendar month of UTC: the time after which budgets start anew. */
export interface Month {
  /** As `2026-11`. */
  readonly id: string;
  /** When the next one begins, in milliseconds of the epoch. */
  readonly endMs: number;
}

/** The month of a moment, in milliseconds of the epoch. */
export function monthOf(timeMs: number): Month {
  const date = new Date(timeMs);
  return { id: dayOf(timeMs).slice(0, 7), endMs: Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) };
}

/** The day of a moment in UTC, as `2026-11-21`. */
export const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);

/** The month that a day is in, as `2026-11`. */
export const monthOfDay = (day: string): string => day.slice(0, 7);
