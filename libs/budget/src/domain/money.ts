/*
 * Money inside is a whole number of billionths of a US dollar, as a JavaScript number: exact up to 9 million dollars. Floating point is met
 * twice, where an operator writes an amount and where a metric shows one.
 */

const NANOS_PER_DOLLAR = 1_000_000_000;

/** The most that a limit or a single call may come to: sums of several stay exact. */
export const MAX_NANOS = 1_000_000 * NANOS_PER_DOLLAR;

export const toNanos = (dollars: number): number => Math.round(dollars * NANOS_PER_DOLLAR);

export const toDollars = (nanos: number): number => nanos / NANOS_PER_DOLLAR;

/** As people read it: cents, and what is below one as far as it goes. */
export function showDollars(nanos: number): string {
  const cents = nanos % (NANOS_PER_DOLLAR / 100) === 0;
  return cents ? toDollars(nanos).toFixed(2) : toDollars(nanos).toFixed(9).replace(/0+$/, "");
}
