import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { MoneySchema } from "@quartet/contracts/type/v1/usage";
import { money } from "./show-money.ts";

const dollars = (units: bigint, nanos = 0) => create(MoneySchema, { currencyCode: "USD", units, nanos });

describe("money", () => {
  it.each([
    [dollars(1000n), "1000.00 USD"],
    [dollars(12n, 500_000_000), "12.50 USD"],
    [dollars(0n, 525_400), "0.00053 USD"],
    [dollars(0n, 1), "0.000000001 USD"],
    [dollars(0n, -10_000_000), "-0.010 USD"],
    [undefined, ""],
  ])("shows %p as %p", (amount, text) => {
    expect(money(amount)).toBe(text);
  });
});
