import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { KeyFigures } from "@quartet/rpc";
import { createMetrics, type Metrics } from "@quartet/telemetry";
import { createKeyMetrics } from "./key-metrics.ts";

const key = (given: Partial<KeyFigures> = {}): KeyFigures => ({
  ...{ pool: "generation", label: "key-1", state: "ready", restMs: 0, limitGroup: "" },
  ...{ calls: 0, errors: 0, rests: 0, inputTokens: 0, outputTokens: 0 },
  ...{ costNanos: undefined, remainingRequests: undefined, remainingTokens: undefined },
  ...given,
});

let metrics: Metrics;
beforeEach(() => void (metrics = createMetrics({ component: "test", processMetrics: false })));
afterEach(() => metrics.close());

const series = async (name: string) =>
  (await metrics.exposition()).text
    .split("\n")
    .filter((line) => line.startsWith(name))
    .map((line) => line.replace(',component="test"', ""));

describe("metrics of keys", () => {
  it("add what was counted since the last look, by label", async () => {
    const show = createKeyMetrics(metrics);
    show([key({ calls: 10, errors: 1, rests: 1, inputTokens: 100, costNanos: 2_000_000_000 })]);
    show([key({ calls: 15, errors: 2, rests: 1, inputTokens: 150, outputTokens: 7, costNanos: 2_500_000_000 })]);
    expect(await series("quartet_key_calls_total")).toEqual([
      'quartet_key_calls_total{pool="generation",label="key-1",outcome="ok"} 13',
      'quartet_key_calls_total{pool="generation",label="key-1",outcome="error"} 2',
    ]);
    expect(await series("quartet_key_rests_total")).toEqual([
      'quartet_key_rests_total{pool="generation",label="key-1"} 1',
    ]);
    expect(await series("quartet_key_tokens_total")).toEqual([
      'quartet_key_tokens_total{pool="generation",label="key-1",direction="input"} 150',
      'quartet_key_tokens_total{pool="generation",label="key-1",direction="output"} 7',
    ]);
    expect(await series("quartet_key_cost_dollars_total")).toEqual([
      'quartet_key_cost_dollars_total{pool="generation",label="key-1"} 2.5',
    ]);
  });

  it("make up for calls that were under way at a look, and failed", async () => {
    const show = createKeyMetrics(metrics);
    show([key({ calls: 3 })]);
    show([key({ calls: 3, errors: 2 })]);
    show([key({ calls: 6, errors: 2 })]);
    expect(await series("quartet_key_calls_total")).toEqual([
      'quartet_key_calls_total{pool="generation",label="key-1",outcome="ok"} 4',
      'quartet_key_calls_total{pool="generation",label="key-1",outcome="error"} 2',
    ]);
  });

  it("show the state alone that a key is in", async () => {
    const show = createKeyMetrics(metrics);
    show([key({ state: "resting" })]);
    show([key({ state: "out-of-quota" })]);
    expect((await series("quartet_key_state")).filter((line) => line.endsWith(" 1"))).toEqual([
      'quartet_key_state{pool="generation",label="key-1",state="out-of-quota"} 1',
    ]);
  });
});
