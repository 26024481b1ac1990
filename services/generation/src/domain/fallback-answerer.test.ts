import { describe, expect, it } from "@jest/globals";
import type { Answerer, AnswerEvent } from "./answerer.ts";
import { AnswererError, type AnswererFailure } from "./answerer-error.ts";
import { createExtractiveAnswerer } from "./extractive-answerer.ts";
import { createFallbackAnswerer } from "./fallback-answerer.ts";

const usage = { inputTokens: 5, outputTokens: 0, cachedInputTokens: 0, calls: 3, estimated: true };

async function run(
  failure: AnswererFailure | Error,
  { after = [] as string[], signal = new AbortController().signal } = {},
) {
  const primary: Answerer = {
    async *answer() {
      for (const text of after) yield { kind: "text", text } as const;
      throw failure instanceof Error ? failure : new AnswererError({ failure, usage });
    },
  };
  const hidden: string[] = [];
  const onFallback = (error: AnswererError) => hidden.push(error.failure);
  const answerer = createFallbackAnswerer({ primary, fallback: createExtractiveAnswerer(), onFallback });
  const events: AnswerEvent[] = [];
  let error: unknown;
  try {
    for await (const event of answerer.answer("Who?", [], { signal })) events.push(event);
  } catch (thrown) {
    error = thrown;
  }
  return { events, error, hidden };
}

describe("the fallback", () => {
  it.each<AnswererFailure>(["LLM_TTFT", "LLM_AUTH", "LLM_QUOTA", "LLM_RATE_LIMIT", "LLM_PROTOCOL", "LLM_UNAVAILABLE"])(
    "answers in the model's place on %s, and says so with what was spent",
    async (failure) => {
      const { events, hidden } = await run(failure);
      expect(hidden).toEqual([failure]);
      expect(events.at(-1)).toMatchObject({
        answerer: { kind: "extractive" },
        degradations: [{ reason: "EXTRACTIVE_FALLBACK" }],
        usage,
      });
    },
  );

  it("never follows text of the model", async () => {
    const { events, error } = await run("STREAM_STALLED", { after: ["half"] });
    expect(events).toEqual([{ kind: "text", text: "half" }]);
    expect(error).toMatchObject({ failure: "STREAM_STALLED" });
  });

  it("leaves a defect, a used-up deadline and a caller's cancel as they are", async () => {
    expect((await run(new Error("defect"))).error).toMatchObject({ message: "defect" });
    expect((await run("OUT_OF_TIME")).error).toMatchObject({ failure: "OUT_OF_TIME" });
    expect((await run("LLM_UNAVAILABLE", { signal: AbortSignal.abort() })).error).toMatchObject({
      failure: "LLM_UNAVAILABLE",
    });
  });
});
