import { expect, it } from "@jest/globals";
import { measureBatching } from "./measure-batching.ts";

it("texts of concurrent requests take fewer calls together, and every response tells its part of the bill", async () => {
  const { modes, fewerCalls, billed } = await measureBatching({
    rounds: 1,
    requests: 30,
    textsPerRequest: 10,
    delayMs: 200,
  });
  expect(modes.texts.calls).toBe(300);
  expect(modes.requests.calls).toBe(30);
  // 6 on a quiet machine; requests that come late on a busy one go in calls of their own.
  expect(fewerCalls.requests).toBeGreaterThan(1.5);
  expect(billed).toBeCloseTo(1, 6);
}, 60_000);
