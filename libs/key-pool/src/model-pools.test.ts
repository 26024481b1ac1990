import { describe, expect, it } from "@jest/globals";
import { createManualClock } from "@quartet/testing";
import type { KeyVerdict } from "./http-verdict.ts";
import { createModelPools, type ModelPoolsOptions } from "./model-pools.ts";
import { NoKeyAvailableError } from "./no-key-available-error.ts";

const limited: KeyVerdict = { kind: "rate-limit", retryAfterMs: 30_000 };
const clock = createManualClock(1_000_000);
const build = (given: Partial<ModelPoolsOptions> = {}) =>
  createModelPools({
    keys: ["key-1", "key-2"].map((label) => ({ label, value: `sk-${label}` })),
    classify: (error) => (error as { verdict: KeyVerdict }).verdict,
    clock,
    model: "own",
    ...given,
  });
const refuse = async () => {
  throw Object.assign(new Error("no"), { verdict: limited });
};
const use = async (_: string, { addUsage, label }: { addUsage(usage: object): void; label: string }) => {
  addUsage({ inputTokens: 10, costNanos: 5 });
  return label;
};

describe("keys for several models", () => {
  it("rest for the model alone that met its limit", async () => {
    const pools = build();
    await expect(pools.run(refuse, { model: "large" })).rejects.toBeInstanceOf(NoKeyAvailableError);
    await expect(pools.run(use, { model: "large" })).rejects.toBeInstanceOf(NoKeyAvailableError);
    expect(await pools.run(use)).toBe("key-1");
    expect(await pools.run(use, { model: "own" })).toBe("key-2");
    const open = async function* (_: string, { label }: { label: string }) {
      yield label;
    };
    for await (const label of pools.stream(open, { model: "small" })) expect(label).toBe("key-1");
  });

  it("are told of together: sums, and the worst state", async () => {
    const pools = build();
    await pools.run(use);
    await pools.run(use, { model: "small" });
    await pools.run(refuse, { model: "large" }).catch(() => undefined);
    expect(pools.usage()).toMatchObject([
      { label: "key-1", state: "resting", restMs: 30_000, calls: 3, errors: 1, inputTokens: 20, costNanos: 10 },
      { label: "key-2", state: "resting", calls: 1, errors: 1, inputTokens: 0, costNanos: undefined },
    ]);
  });

  it("have rests of their own for so many models, and share them beyond", async () => {
    const scopes: string[] = [];
    const marks = { extend: () => {}, remainingMs: async () => undefined };
    const pools = build({ maxModels: 2, sharingOf: (model) => (scopes.push(model), { marks, scope: model }) });
    for (const model of ["a", "b", "c", "b"]) await pools.run(use, { model });
    expect(scopes).toEqual(["own", "a", "other models"]);
    await pools.run(refuse, { model: "b" }).catch(() => undefined);
    await expect(pools.run(use, { model: "c" })).rejects.toBeInstanceOf(NoKeyAvailableError);
    expect(await pools.run(use, { model: "a" })).toBe("key-2");
  });
});
