import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { createGiveWay } from "./give-way.ts";

describe("giving way", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });
  const never = new AbortController().signal;

  it("goes on at once within a slice of time, and later after it", async () => {
    const now = jest.spyOn(performance, "now").mockReturnValue(0);
    const giveWay = createGiveWay();
    now.mockReturnValue(9);
    expect(giveWay(never)).toBeUndefined();
    now.mockReturnValue(10);
    await expect(giveWay(never)).resolves.toBeUndefined();
    expect(giveWay(never)).toBeUndefined();
  });

  it("lets one of many go on in each turn of the event loop, in their order", async () => {
    const now = jest.spyOn(performance, "now").mockReturnValue(0);
    const ways = ["a", "b", "c"].map((name) => ({ name, giveWay: createGiveWay() }));
    now.mockReturnValue(10);
    const went: string[] = [];
    for (const { name, giveWay } of ways) void giveWay(never)!.then(() => went.push(name));
    for (const expected of ["a", "ab", "abc"]) {
      await setImmediate();
      expect(went.join("")).toBe(expected);
    }
  });

  it("throws once its call has ended, before the wait and after it", async () => {
    const now = jest.spyOn(performance, "now").mockReturnValue(0);
    const giveWay = createGiveWay();
    now.mockReturnValue(10);
    const call = new AbortController();
    const waited = giveWay(call.signal);
    call.abort(new Error("over"));
    await expect(waited).rejects.toThrow("over");
    expect(() => giveWay(call.signal)).toThrow("over");
  });
});
