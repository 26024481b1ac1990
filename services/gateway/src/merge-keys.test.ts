import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { KeyState, KeyStatsSchema } from "@quartet/contracts/type/v1/stats";
import { mergeKeys } from "./merge-keys.ts";

const key = (label: string, given: MessageInitShape<typeof KeyStatsSchema> = {}) =>
  create(KeyStatsSchema, { pool: "generation", label, state: KeyState.READY, ...given });

describe("keys of several replicas", () => {
  it("add up by pool and label, with shares of the whole", () => {
    const used = { callCount: 10n, errorCount: 1n, restCount: 2n, inputTokenCount: 3n, outputTokenCount: 4n };
    const merged = mergeKeys([
      key("key-1", used),
      key("key-2", { callCount: 20n }),
      key("key-1", { pool: "embedding", callCount: 7n }),
      key("key-1", used),
    ]);
    expect(merged.map(({ pool, label, callShare }) => [pool, label, callShare])).toEqual([
      ["embedding", "key-1", 1],
      ["generation", "key-1", 0.5],
      ["generation", "key-2", 0.5],
    ]);
    expect(merged[1]).toMatchObject({
      ...{ callCount: 20n, errorCount: 2n, restCount: 4n, inputTokenCount: 6n, outputTokenCount: 8n },
    });
  });

  it("are in the worst state told, rest the longest, and have the least left", () => {
    const [merged] = mergeKeys([
      key("key-1", { remainingTokenCount: 50n }),
      key("key-1", { state: KeyState.RESTING, restEndTime: { seconds: 90n }, remainingRequestCount: 7n }),
      key("key-1", { state: KeyState.RESTING, restEndTime: { seconds: 60n }, remainingRequestCount: 9n }),
      key("key-1", { state: KeyState.EXHAUSTED, limitGroup: "group-1" }),
    ]);
    expect(merged).toMatchObject({
      ...{ state: KeyState.EXHAUSTED, restEndTime: { seconds: 90n }, limitGroup: "group-1" },
      ...{ remainingRequestCount: 7n, remainingTokenCount: 50n },
    });
    expect(mergeKeys([key("key-1"), key("key-1")])[0]).not.toHaveProperty("cost");
  });

  it("add up their money, in one currency", () => {
    const cost = (units: bigint, nanos: number, currencyCode = "USD") =>
      key("key-1", { cost: { units, nanos, currencyCode } });
    const [merged] = mergeKeys([cost(9n, 600_000_000), cost(0n, 400_000_001), cost(5n, 0, "EUR")]);
    expect(merged?.cost).toMatchObject({ currencyCode: "USD", units: 10n, nanos: 1 });
  });

  it("are sorted as people count", () => {
    expect(mergeKeys(["key-10", "key-2", "key-1"].map((label) => key(label))).map(({ label }) => label)).toEqual([
      "key-1",
      "key-2",
      "key-10",
    ]);
    expect(mergeKeys([])).toEqual([]);
  });
});
