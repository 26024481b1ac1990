import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { type Clocks, startClocks } from "./clocks.ts";

const limits = { totalMs: 60_000, firstTokenMs: 10_000, stallMs: 1_000 };
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const never = new Promise<never>(() => undefined);

let caller: AbortController;
let clocks: Clocks;
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["performance", "queueMicrotask", "nextTick"] });
  caller = new AbortController();
  clocks = startClocks({ signal: caller.signal, ...limits });
});
afterEach(() => {
  clocks.stop();
  // Nothing is left that would keep a process alive.
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe("the clocks of an answer", () => {
  it("give up where the first token does not come", async () => {
    const waited = caught(clocks.wait(never));
    jest.advanceTimersByTime(9_999);
    expect(clocks.expired).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(await waited).toMatchObject({ clock: "LLM_TTFT", isFair: true });
    expect(clocks.signal.aborted).toBe(true);
  });

  it("count the time between tokens anew for each, and only while one is waited for", async () => {
    clocks.begin();
    for (let token = 0; token < 5; token += 1) {
      // The reader takes its time: longer than a provider may.
      jest.advanceTimersByTime(1_500);
      const next = Promise.withResolvers<number>();
      const waited = clocks.wait(next.promise);
      jest.advanceTimersByTime(999);
      next.resolve(token);
      expect(await waited).toBe(token);
    }
    jest.advanceTimersByTime(999);
    const waited = caught(clocks.wait(never));
    jest.advanceTimersByTime(999);
    expect(clocks.expired).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(await waited).toMatchObject({ clock: "STREAM_STALLED", isFair: true });
  });

  it("hold for a shorter wait as well, which says nothing about the provider", async () => {
    clocks.begin();
    await clocks.wait(Promise.resolve());
    const waited = caught(clocks.wait(never, 300));
    jest.advanceTimersByTime(299);
    expect(clocks.expired).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(await waited).toMatchObject({ clock: "STREAM_STALLED", isFair: false });
  });

  it("never wait longer for a longer limit", async () => {
    clocks.begin();
    const waited = caught(clocks.wait(never, 5_000));
    jest.advanceTimersByTime(1_000);
    expect(await waited).toMatchObject({ clock: "STREAM_STALLED", isFair: true });
  });

  it("end with the caller, in the middle of a wait and before one; what comes after that is dropped", async () => {
    const next = Promise.withResolvers<string>();
    const waited = caught(clocks.wait(next.promise));
    caller.abort(new Error("left"));
    next.resolve("too late");
    expect(await waited).toMatchObject({ message: "left" });
    expect(await caught(clocks.wait(Promise.resolve("there")))).toMatchObject({ message: "left" });
    expect(clocks.expired).toBeUndefined();
    const late = startClocks({ signal: caller.signal, ...limits });
    expect(late.signal.reason).toMatchObject({ message: "left" });
    late.stop();
  });

  it("pass on what the source fails with, and end by the time of all", async () => {
    expect(await caught(clocks.wait(Promise.reject(new Error("broke"))))).toMatchObject({ message: "broke" });
    clocks.begin();
    jest.advanceTimersByTime(60_000);
    expect(await caught(clocks.wait(never))).toMatchObject({ clock: "OUT_OF_TIME" });
    expect(clocks.expired).toBe("OUT_OF_TIME");
  });

  it("end a wait that is pending when they are stopped", async () => {
    const waited = caught(clocks.wait(never));
    clocks.stop();
    expect(await waited).toMatchObject({ message: "the call has ended" });
    expect(clocks.expired).toBeUndefined();
  });
});
