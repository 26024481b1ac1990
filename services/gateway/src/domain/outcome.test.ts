import { describe, expect, it } from "@jest/globals";
import { addUsage, type Usage } from "./outcome.ts";

const usage = (given: Partial<Usage> = {}): Usage => ({
  inputTokenCount: 10,
  outputTokenCount: 2,
  cachedInputTokenCount: 1,
  callCount: 1,
  estimated: false,
  ...given,
});
const dollars = (units: bigint, nanos: number) => ({ currencyCode: "USD", units, nanos });

describe("addUsage", () => {
  it("adds up what two parts of a call cost, with a carry", () => {
    const one = usage({ cost: dollars(1n, 600_000_000) });
    const other = usage({ cost: dollars(0n, 700_000_000), estimated: true });
    expect(addUsage(one, other)).toEqual({
      inputTokenCount: 20,
      outputTokenCount: 4,
      cachedInputTokenCount: 2,
      callCount: 2,
      estimated: true,
      cost: dollars(2n, 300_000_000),
    });
  });

  it("stays within what the contract's counts hold, whatever providers told", () => {
    const most = usage({ inputTokenCount: 2 ** 31 - 1, outputTokenCount: 2 ** 31 - 1 });
    expect(addUsage(most, usage())).toMatchObject({ inputTokenCount: 2 ** 31 - 1, outputTokenCount: 2 ** 31 - 1 });
  });

  it("knows the cost of what has a price, and no part at all where none was asked", () => {
    expect(addUsage(usage(), usage({ cost: dollars(0n, 5) }))?.cost).toEqual(dollars(0n, 5));
    expect(addUsage(usage(), usage())?.cost).toBeUndefined();
    expect(addUsage(undefined, undefined)).toBeUndefined();
    expect(addUsage(undefined, usage())).toEqual(usage());
  });
});
