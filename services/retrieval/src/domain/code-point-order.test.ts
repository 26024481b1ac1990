import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { compareCodePoints } from "./code-point-order.ts";

describe("compareCodePoints", () => {
  it("orders as UTF-8 bytes do, which JavaScript's own order does not", () => {
    expect("😀" < "\uff21").toBe(true);
    expect(compareCodePoints("😀", "\uff21")).toBeGreaterThan(0);
    const character = fc.constantFrom("a", "가", "\uff21", "😀", "𐀀", "\ue000");
    fc.assert(
      fc.property(fc.string({ unit: character }), fc.string({ unit: character }), (left, right) => {
        const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right));
        expect(Math.sign(compareCodePoints(left, right))).toBe(bytes);
      }),
    );
  });
});
