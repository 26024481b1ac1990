import { expect, it } from "@jest/globals";
import { createWaitTimes } from "./wait-times.ts";

it("gives the 95th percentile of the last 5 minutes", () => {
  let now = 0;
  const waits = createWaitTimes(() => now);
  expect(waits.p95()).toBe(0);
  for (let waitMs = 1; waitMs <= 100; waitMs += 1) waits.add(waitMs);
  expect(waits.p95()).toBe(95);
  now = 6 * 60_000;
  expect(waits.p95()).toBe(0);
  for (let each = 0; each < 5_000; each += 1) waits.add(3);
  expect(waits.p95()).toBe(3);
});
