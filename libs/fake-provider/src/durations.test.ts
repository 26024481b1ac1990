import { expect, it } from "@jest/globals";
import { wordDuration } from "./durations.ts";

it.each([
  [0, "0ms"],
  [12, "12ms"],
  [12.2, "13ms"],
  [999, "999ms"],
  [1_000, "1s"],
  [7_660, "7.66s"],
  [60_000, "1m0s"],
  [360_000, "6m0s"],
  [89_999.5, "1m30s"],
  [3_600_000, "1h0m0s"],
])("words %d ms as %s", (ms, words) => expect(wordDuration(ms)).toBe(words));
