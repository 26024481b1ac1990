import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import fc from "fast-check";
import { toTokenUsage } from "./token-usage.ts";

const sent = (usage: Parameters<typeof toTokenUsage>[0]) =>
  fromBinary(TokenUsageSchema, toBinary(TokenUsageSchema, create(TokenUsageSchema, toTokenUsage(usage))));

describe("what model calls were billed for", () => {
  it("crosses the border, with its cost where there is one", () => {
    const usage = { inputTokens: 7, outputTokens: 2, cachedInputTokens: 3, calls: 1, estimated: true };
    expect(sent({ ...usage, costNanos: 1_500_000_000 })).toMatchObject({
      inputTokenCount: 7,
      outputTokenCount: 2,
      cachedInputTokenCount: 3,
      callCount: 1,
      estimated: true,
      cost: { units: 1n, nanos: 500_000_000 },
    });
    expect(sent({ inputTokens: 7, calls: 1, estimated: false }).cost).toBeUndefined();
  });

  it("crosses it whatever a provider told", () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (inputTokens, calls) => {
        const { inputTokenCount, callCount } = sent({ inputTokens, calls, estimated: false });
        for (const [told, count] of [
          [inputTokens, inputTokenCount],
          [calls, callCount],
        ] as const)
          expect(count).toBe(Number.isNaN(told) ? 0 : Math.min(2 ** 31 - 1, Math.max(0, Math.trunc(told))));
      }),
    );
  });
});
