import { describe, expect, it } from "@jest/globals";
import { composeComponents } from "./compose.ts";
import type { Component } from "./component.ts";
import { LimitExceededError } from "./within.ts";

const events: string[] = [];
const never = () => new Promise<void>(() => {});
const part = (name: string, overrides: Partial<Component> = {}): Component => ({
  name,
  start: async () => void events.push(`start ${name}`),
  stop: async () => void events.push(`stop ${name}`),
  ...overrides,
});
const fail = (message: string) => async () => {
  throw new Error(message);
};
const taken = () => events.splice(0);
const open = () => new AbortController().signal;

describe("composeComponents", () => {
  it("starts in order and stops in reverse, once", async () => {
    const app = composeComponents("app", [part("a"), part("b"), part("c")]);
    await app.start(open());
    expect(taken()).toEqual(["start a", "start b", "start c"]);
    await app.stop(open());
    await app.stop(open());
    expect(taken()).toEqual(["stop c", "stop b", "stop a"]);
  });

  it("stops what was started, and the failing part itself, when one does not start", async () => {
    const app = composeComponents("app", [part("a"), part("b", { start: fail("b is broken") }), part("c")]);
    await expect(app.start(open())).rejects.toThrow("b is broken");
    expect(taken()).toEqual(["start a", "stop b", "stop a"]);
  });

  it("says both what failed and what then did not stop", async () => {
    const broken = part("b", { start: fail("start of b"), stop: fail("stop of b") });
    const error = await composeComponents("app", [part("a"), broken])
      .start(open())
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map(String)).toEqual(["Error: start of b", "Error: stop of b"]);
    expect(taken()).toEqual(["start a", "stop a"]);
  });

  it("limits a start, aborts its signal, and stops it", async () => {
    let signal: AbortSignal | undefined;
    const start = (given: AbortSignal) => ((signal = given), never());
    const app = composeComponents("app", [part("a"), part("b", { startLimitMs: 5, start })]);
    await expect(app.start(open())).rejects.toThrow(new LimitExceededError("b: start took longer than 5 ms"));
    expect(signal?.aborted).toBe(true);
    expect(taken()).toEqual(["start a", "stop b", "stop a"]);
  });

  it("limits each stop, stops the others all the same, and throws what went wrong", async () => {
    const slow = part("b", { stopLimitMs: 5, stop: never });
    const app = composeComponents("app", [part("a"), slow, part("c", { stop: fail("stop of c") })]);
    await app.start(open());
    taken();
    const error = (await app.stop(open()).catch((caught: unknown) => caught)) as AggregateError;
    expect(error.errors.map(String)).toEqual(["Error: stop of c", "LimitExceededError: b: stop took longer than 5 ms"]);
    expect(taken()).toEqual(["stop a"]);
  });

  it("gives up a start when told so, and stops what was started", async () => {
    const told = new AbortController();
    const app = composeComponents("app", [part("a"), part("b", { start: never }), part("c")]);
    const started = app.start(told.signal);
    await new Promise((resolve) => setImmediate(resolve));
    told.abort(new Error("stopped"));
    await expect(started).rejects.toThrow("stopped");
    expect(taken()).toEqual(["start a", "stop b", "stop a"]);
  });

  it("does not wait for parts once the time to drain is over, but tells each of them", async () => {
    const app = composeComponents("app", [part("a"), part("b", { stop: () => (events.push("told b"), never()) })]);
    await app.start(open());
    taken();
    await expect(app.stop(AbortSignal.abort(new Error("no time")))).rejects.toThrow("did not stop cleanly");
    expect(taken()).toEqual(["told b", "stop a"]);
  });

  it("composes composites, whose limits are the sums of their parts", async () => {
    const inner = composeComponents("inner", [part("a", { stopLimitMs: 1 }), part("b", { startLimitMs: 2 })]);
    expect(inner).toMatchObject({ startLimitMs: 30_002, stopLimitMs: 10_001 });
    const outer = composeComponents("outer", [inner, part("c", { start: fail("c is broken") })]);
    await expect(outer.start(open())).rejects.toThrow("c is broken");
    expect(taken()).toEqual(["start a", "start b", "stop c", "stop b", "stop a"]);
  });
});
