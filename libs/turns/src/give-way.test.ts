import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { beginTurn, createGiveWay, giveWay } from "./index.ts";

describe("giving way", () => {
  let nowMs = 0;
  beforeEach(async () => {
    // Turns of the tests before are over.
    await setImmediate();
    nowMs = 1_000;
    jest.spyOn(performance, "now").mockImplementation(() => nowMs);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it("goes on at once while the turn is short, and later when it is long, whoever made it so", async () => {
    expect(giveWay()).toBeUndefined();
    nowMs += 4.9;
    expect(giveWay()).toBeUndefined();
    nowMs += 0.1;
    await expect(giveWay()).resolves.toBeUndefined();
    expect(giveWay()).toBeUndefined();
  });

  it("counts what is done before the first step of a loop has ended", async () => {
    const giveWayInLoop = createGiveWay();
    nowMs += 5;
    await expect(giveWayInLoop()).resolves.toBeUndefined();
  });

  it("counts what is done after the turn was said to begin", async () => {
    beginTurn();
    nowMs += 5;
    await expect(giveWay()).resolves.toBeUndefined();
  });

  it("begins anew with each turn", async () => {
    expect(giveWay()).toBeUndefined();
    nowMs += 100;
    await setImmediate();
    expect(giveWay()).toBeUndefined();
  });

  it("lets as many go on in a turn as do not make it long, in their order", async () => {
    void giveWay();
    nowMs += 5;
    const went: string[] = [];
    for (const name of "abcde") {
      void giveWay()!.then(() => {
        went.push(name);
        nowMs += 3;
      });
    }
    for (const expected of ["ab", "abcd", "abcde"]) {
      await setImmediate();
      expect(went.join("")).toBe(expected);
    }
  });

  it("throws once its call has ended, before the wait and after it", async () => {
    void giveWay();
    nowMs += 5;
    const call = new AbortController();
    const waited = giveWay(call.signal);
    call.abort(new Error("over"));
    await expect(waited).rejects.toThrow("over");
    expect(() => giveWay(call.signal)).toThrow("over");
  });
});
