import { describe, expect, it } from "@jest/globals";
import { readUsage } from "./usage.ts";

describe("the usage that a provider tells", () => {
  it("is read, with what of the input it had seen before", () => {
    const prompt_tokens_details = { cached_tokens: 5 };
    expect(readUsage({ prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details })).toEqual({
      inputTokens: 9,
      outputTokens: 4,
      cachedInputTokens: 5,
    });
    expect(readUsage({ prompt_tokens: 9, completion_tokens: null, prompt_tokens_details: [5] })).toEqual({
      inputTokens: 9,
      outputTokens: 0,
      cachedInputTokens: 0,
    });
  });

  it.each([undefined, null, {}, [], "9", { prompt_tokens: 0, completion_tokens: 0 }, { prompt_tokens: "9" }])(
    "is none where nothing was told: %j",
    (usage) => {
      expect(readUsage(usage)).toBeUndefined();
    },
  );

  it.each([-9, 1.5, NaN, Infinity, 2 ** 53, "9", true])("is none where it read %p tokens", (prompt_tokens) => {
    expect(readUsage({ prompt_tokens, completion_tokens: 4 })).toBeUndefined();
  });
});
