import { create } from "@bufbuild/protobuf";
import { type Money, MoneySchema } from "@quartet/contracts/type/v1/usage";

const NANOS_PER_UNIT = 1_000_000_000;

/** An amount in billionths of a dollar, the currency of all prices, to the nearest of them; exact up to 9 million dollars. */
export function toMoney(nanos: number): Money {
  const whole = Math.round(nanos);
  const units = Math.trunc(whole / NANOS_PER_UNIT);
  return create(MoneySchema, { currencyCode: "USD", units: BigInt(units), nanos: whole - units * NANOS_PER_UNIT });
}
