import type { Money } from "@quartet/contracts/type/v1/usage";

/** As in `12.50 USD` or, below a cent, `0.000525 USD`; empty for none. */
export function showMoney(money: Money | undefined): string {
  if (money === undefined) return "";
  const { units, nanos, currencyCode } = money;
  const sign = units < 0n || nanos < 0 ? "-" : "";
  const fraction = String(Math.abs(nanos)).padStart(9, "0").replace(/0+$/, "").padEnd(2, "0");
  return `${sign}${units < 0n ? -units : units}.${fraction} ${currencyCode}`;
}
