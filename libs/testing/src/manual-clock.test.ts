import { expect, it } from "@jest/globals";
import { createManualClock } from "./manual-clock.ts";

it("stands still until it is told otherwise, and never goes back", () => {
  const clock = createManualClock(5);
  expect([clock.now(), clock.now()]).toEqual([5, 5]);
  clock.advance(10);
  expect(clock.now()).toBe(15);
  expect(() => clock.advance(-1)).toThrow(RangeError);
});
