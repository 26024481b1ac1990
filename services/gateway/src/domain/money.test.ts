import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { addMoney, nanosOf } from "./money.ts";

const amount = (units: bigint, nanos: number, currencyCode = "USD") => ({ currencyCode, units, nanos });

describe("money", () => {
  it("adds up exactly, beyond what a double holds, with units and nanos of one sign", () => {
    expect(addMoney(amount(9_999_999_999n, 600_000_000), amount(0n, 400_000_001))).toEqual(amount(10_000_000_000n, 1));
    const nanos = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n });
    const ofNanos = (all: bigint) => amount(all / 10n ** 9n, Number(all % 10n ** 9n));
    fc.assert(
      fc.property(nanos, nanos, (one, other) => {
        expect(addMoney(ofNanos(one), ofNanos(other))).toEqual(ofNanos(one + other));
        expect(nanosOf(ofNanos(one))).toBe(one);
      }),
    );
  });

  it("of what has no price adds nothing, nor does that of another currency", () => {
    expect(addMoney(undefined, undefined)).toBeUndefined();
    expect(addMoney(undefined, amount(1n, 2))).toEqual(amount(1n, 2));
    expect(addMoney(amount(1n, 2), undefined)).toEqual(amount(1n, 2));
    expect(addMoney(amount(1n, 2), amount(3n, 0, "EUR"))).toEqual(amount(1n, 2));
  });
});
