import { describe, expect, it } from "@jest/globals";
import { type Budget, BudgetError, type PlannedCall } from "@quartet/budget";
import { createCache } from "@quartet/cache";
import fc from "fast-check";
import { createBatchingEmbedder } from "./batching-embedder.ts";
import { createBudgetedEmbedder } from "./budgeted-embedder.ts";
import type { Embedder, EmbeddingSpace } from "./embedder.ts";
import { EmbedderError } from "./embedder-error.ts";
import { type PackedVector, toFloat32 } from "./packed-vector.ts";
import { createTextEmbedding } from "./text-embedding.ts";

const LIMIT = 400;
const space: EmbeddingSpace = {
  id: "s",
  dimensions: 1,
  kind: "SEMANTIC",
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: "m",
};
const tokensOf = (texts: readonly string[]) => texts.join("").length;

/** Holds the limit as a budget does, and notes how each reservation ended. */
function budgetOf() {
  const state = { spent: 0, reserved: 0, open: 0 };
  const reserve = async ({ inputTokens, signal }: PlannedCall) => {
    signal.throwIfAborted();
    if (state.spent + state.reserved + inputTokens > LIMIT) throw new BudgetError("BUDGET_EXHAUSTED", "No room.");
    state.reserved += inputTokens;
    state.open += 1;
    let isOver = false;
    const end = () => {
      if (isOver) return false;
      isOver = true;
      state.reserved -= inputTokens;
      state.open -= 1;
      return true;
    };
    return {
      settle: (billed: { readonly inputTokens: number }) => {
        expect(end()).toBe(true);
        state.spent += billed.inputTokens;
        return billed.inputTokens;
      },
      release: () => void end(),
    };
  };
  return { state, budget: { reserve } as Pick<Budget, "reserve"> };
}

/** A token a character, on the bill as soon as a call goes out and whatever becomes of it; texts with `!` are refused and cost nothing. */
function modelOf(scheduler: fc.Scheduler) {
  const state = { billed: 0 };
  const embedder: Embedder = {
    knownSpace: space,
    space: async () => space,
    embed: async (texts, { tenant, signal, onUsage }) => {
      for (const text of texts) expect(text.startsWith(tenant)).toBe(true);
      await scheduler.schedule(Promise.resolve());
      if (texts.some((text) => text.includes("!")))
        throw new EmbedderError("LLM_UNAVAILABLE", "", { refusesTexts: true });
      const usage = { inputTokens: tokensOf(texts), calls: 1, estimated: false };
      state.billed += usage.inputTokens;
      onUsage?.(usage);
      signal.throwIfAborted();
      if (texts.some((text) => text.includes("?"))) throw new EmbedderError("EMBED_SHAPE", "", { refusesTexts: true });
      if (texts.some((text) => text.includes("~"))) throw new EmbedderError("LLM_PROTOCOL", "");
      return { vectors: texts.map((text) => ({ vector: Float32Array.of(text.length), truncated: false })) };
    },
  };
  return { state, embedder };
}

describe("what shared calls for vectors cost", () => {
  it("is reserved and settled once, and told once, in whatever order requests come, fail and leave", async () => {
    const text = fc.stringMatching(/^[abc]{1,3}[!?~]?$/);
    const caller = fc.record({
      tenant: fc.constantFrom("t", "u"),
      words: fc.array(text, { minLength: 1, maxLength: 6 }),
      leaves: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(caller, { maxLength: 10 }), fc.scheduler(), async (callers, scheduler) => {
        const model = modelOf(scheduler);
        const { state, budget } = budgetOf();
        const embedder = createBudgetedEmbedder({ embedder: model.embedder, budget, model: "m", prefixes: [] });
        const configured = createBatchingEmbedder({ embedder, waitMs: 0, maxCalls: 2, maxTexts: 4, maxBytes: 20 });
        const cache = createCache<string, PackedVector>({ maxEntries: 100 });
        const embed = createTextEmbedding({ configured, others: [], cache, form: "float32" });
        let [told, failed] = [0, 0];
        const done = callers.map(async ({ tenant, words, leaves }) => {
          const controller = new AbortController();
          const { signal } = controller;
          const texts = words.map((word) => `${tenant}${word}`);
          await scheduler.schedule(Promise.resolve());
          if (leaves) void scheduler.schedule(Promise.resolve()).then(() => controller.abort(new Error("left")));
          try {
            const { embeddings, usage } = await embed({ tenant, texts, purpose: "QUERY", spaceId: "", signal });
            expect(embeddings.map(({ vector }) => toFloat32(vector)[0])).toEqual(texts.map(({ length }) => length));
            expect(usage?.costNanos).toBe(usage?.inputTokens);
            told += usage?.inputTokens ?? 0;
          } catch (error) {
            failed += 1;
            expect(error instanceof EmbedderError || (leaves && String(error) === "Error: left")).toBe(true);
          }
        });
        await scheduler.waitFor(Promise.all(done));
        await scheduler.waitIdle();
        expect(state).toEqual({ spent: model.state.billed, reserved: 0, open: 0 });
        expect(state.spent).toBeLessThanOrEqual(LIMIT);
        // What failed has no response that could tell of it.
        if (failed === 0) expect(told).toBe(state.spent);
        else expect(told).toBeLessThanOrEqual(state.spent);
      }),
      { numRuns: 100 },
    );
  });
});
