import { describe, expect, it } from "@jest/globals";
import { type Budget, BudgetError, type PlannedCall } from "@quartet/budget";
import { createBudgetedEmbedder } from "./budgeted-embedder.ts";
import type { Embedder, EmbedOptions, EmbedResult, Usage } from "./embedder.ts";

type Embed = (texts: readonly string[], options: EmbedOptions) => Promise<EmbedResult>;

const { signal } = new AbortController();
const vector = { vector: Float32Array.of(1), truncated: false };
const call = (inputTokens: number): Usage => ({ inputTokens, calls: 1, estimated: false });

/** A nano-dollar a token; what happens to each reservation is noted. */
function setUp(embed: Embed, refusal?: BudgetError) {
  const events: (string | number)[] = [];
  const reserve = async ({ inputTokens }: PlannedCall) => {
    if (refusal !== undefined) throw refusal;
    events.push("reserved", inputTokens);
    return {
      settle: (billed: { readonly inputTokens: number }) => {
        events.push("settled", billed.inputTokens);
        return billed.inputTokens;
      },
      release: () => void events.push("released"),
    };
  };
  const embedder: Embedder = { knownSpace: undefined, space: () => Promise.reject(new Error("not asked")), embed };
  const prefixes = ["", "query:"];
  const budgeted = createBudgetedEmbedder({
    embedder,
    budget: { reserve } as Pick<Budget, "reserve">,
    model: "m",
    prefixes,
  });
  const told: Usage[] = [];
  const options = { tenant: "t", purpose: "QUERY", signal, onUsage: (usage: Usage) => told.push(usage) } as const;
  return { events, told, embed: (texts: readonly string[]) => budgeted.embed(texts, options) };
}

describe("an embedder with a budget", () => {
  it("sets the most aside, and settles what all calls for the texts came to", async () => {
    const { events, told, embed } = setUp(async (texts, { onUsage }) => {
      for (const tokens of [5, 6]) onUsage?.(call(tokens));
      return { vectors: texts.map(() => vector) };
    });
    const { usage } = await embed(["하나", "two"]);
    const most = Buffer.byteLength("하나two") + 2 * (4 + "query: ".length);
    expect(events).toEqual(["reserved", most, "settled", 11, "released"]);
    expect(usage).toEqual({ inputTokens: 11, calls: 2, estimated: false, costNanos: 11 });
    expect(told).toEqual([call(5), call(6)]);
  });

  it("settles what was billed before a failure, and gives all back where nothing was", async () => {
    const half = setUp(async (_, { onUsage }) => {
      onUsage?.(call(5));
      throw new Error("the second call failed");
    });
    await expect(half.embed(["x"])).rejects.toThrow("the second call failed");
    expect(half.events.slice(2)).toEqual(["settled", 5, "released"]);
    const nothing = setUp(() => Promise.reject(new Error("refused")));
    await expect(nothing.embed(["x"])).rejects.toThrow("refused");
    expect(nothing.events.slice(2)).toEqual(["released"]);
  });

  it("asks nobody where the budget has no room, and reserves nothing for no texts", async () => {
    const embed: Embed = async (texts) => ({ vectors: texts.map(() => vector) });
    const refusal = new BudgetError("BUDGET_EXHAUSTED", "No room.", { retryDelayMs: 5 });
    const { embed: ask } = setUp(() => Promise.reject(new Error("asked")), refusal);
    await expect(ask(["x"])).rejects.toMatchObject({
      name: "EmbedderError",
      reason: "BUDGET_EXHAUSTED",
      retryDelayMs: 5,
    });
    const { events, embed: askForNothing } = setUp(embed);
    expect(await askForNothing([])).toEqual({ vectors: [] });
    expect(events).toEqual([]);
  });
});
