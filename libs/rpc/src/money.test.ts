import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { toMoney } from "./money.ts";

describe("an amount", () => {
  it("crosses the border whole, with units and nanos of one sign", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 15), max: 10 ** 15 }), (amount) => {
        const money = toMoney(amount);
        expect(money.units * 1_000_000_000n + BigInt(money.nanos)).toBe(BigInt(amount));
        expect(Math.abs(money.nanos)).toBeLessThan(1e9);
        expect(Math.sign(money.nanos) * Number(money.units)).toBeGreaterThanOrEqual(0);
      }),
    );
    expect(toMoney(1_000_250_000_000)).toMatchObject({ currencyCode: "USD", units: 1000n, nanos: 250_000_000 });
    expect(toMoney(0.6)).toMatchObject({ units: 0n, nanos: 1 });
  });
});
