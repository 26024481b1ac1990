/** An amount as services tell it. */
export interface Money {
  readonly currencyCode: string;
  readonly units: bigint;
  /** Billionths of a unit, of the same sign. */
  readonly nanos: number;
}

const NANOS_PER_UNIT = 1_000_000_000n;

/** In billionths of its unit, exactly. */
export const nanosOf = ({ units, nanos }: Money): bigint => units * NANOS_PER_UNIT + BigInt(nanos);

/**
 * What both come to; what has no price adds nothing. Services have one table of prices and so one currency; while that is being changed, the first
 * one's stands alone.
 */
export function addMoney<M extends Money>(one: M | undefined, other: M | undefined): M | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.currencyCode !== other.currencyCode) return one;
  const sum = nanosOf(one) + nanosOf(other);
  return { ...one, units: sum / NANOS_PER_UNIT, nanos: Number(sum % NANOS_PER_UNIT) };
}
