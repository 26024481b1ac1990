import type { Money } from "@quartet/contracts/type/v1/usage";

const NANOS = 1_000_000_000n;
/** Of an amount below ten cents. */
const SIGNIFICANT_DIGITS = 2;

/** As `1.25 USD`: cents, and below a cent as much as tells it from nothing. Empty where there is none. */
export function money(amount: Money | undefined): string {
  if (amount === undefined) return "";
  const nanos = amount.units * NANOS + BigInt(amount.nanos);
  const value = Number(nanos) / Number(NANOS);
  const size = Math.abs(value);
  const digits = nanos !== 0n && size < 0.1 ? SIGNIFICANT_DIGITS - 1 - Math.floor(Math.log10(size)) : 2;
  return `${value.toFixed(Math.min(digits, 9))} ${amount.currencyCode}`;
}
