import type { Money } from "@quartet/contracts/type/v1/usage";

const NANOS_PER_UNIT = 1e9;
/** Of an amount below ten cents. */
const SIGNIFICANT_DIGITS = 2;

/** In units, as near as a double comes. */
export const amountOf = ({ units, nanos }: Money): number => Number(units) + nanos / NANOS_PER_UNIT;

/** As `1.25 USD`: cents, and below a cent as much as tells it from nothing. Empty where there is none. */
export function money(amount: Money | undefined): string {
  if (amount === undefined) return "";
  const value = amountOf(amount);
  const size = Math.abs(value);
  const digits = size > 0 && size < 0.1 ? SIGNIFICANT_DIGITS - 1 - Math.floor(Math.log10(size)) : 2;
  return `${value.toFixed(Math.min(digits, 9))} ${amount.currencyCode}`;
}
