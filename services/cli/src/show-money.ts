import type { Money } from "@quartet/contracts/type/v1/usage";

const NANOS = 1_000_000_000n;

/** As `1.25 USD`: cents, and below a cent as much as tells it from nothing. Empty where there is none. */
export function money(amount: Money | undefined): string {
  if (amount === undefined) return "";
  const nanos = amount.units * NANOS + BigInt(amount.nanos);
  const value = Number(nanos) / Number(NANOS);
  const isSmall = nanos !== 0n && Math.abs(value) < 0.1;
  return `${isSmall ? value.toPrecision(2) : value.toFixed(2)} ${amount.currencyCode}`;
}
