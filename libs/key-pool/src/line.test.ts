import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createLine, type Line } from "./line.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** Those who have become the first, and those who gave up, in order. */
const joinAs = (line: Line, name: string, seen: string[], ms = 1_000, signal?: AbortSignal) =>
  line.join(ms, signal).then(
    (isFirst) => void seen.push(isFirst ? name : `${name} late`),
    () => void seen.push(`${name} gone`),
  );
const settle = () => jest.advanceTimersByTimeAsync(0);

describe("a line", () => {
  it("lets one after the other be the first", async () => {
    const line = createLine();
    const seen: string[] = [];
    for (const name of ["a", "b", "c"]) void joinAs(line, name, seen);
    await settle();
    expect([seen, line.length]).toEqual([["a"], 3]);
    line.leave();
    await settle();
    expect([seen, line.length]).toEqual([["a", "b"], 2]);
    line.leave();
    line.leave();
    await settle();
    expect([seen, line.length]).toEqual([["a", "b", "c"], 0]);
  });

  it("wakes those aside together with the first, and counts them", async () => {
    const line = createLine();
    const seen: string[] = [];
    const asAside = (name: string, ms: number, signal?: AbortSignal) =>
      line.waitAside(ms, signal).then(
        () => seen.push(name),
        () => seen.push(`${name} gone`),
      );
    const leaving = new AbortController();
    void asAside("a", 1_000);
    void asAside("b", 500);
    void asAside("c", 1_000, leaving.signal);
    expect(line.length).toBe(3);
    leaving.abort(new Error("left"));
    await jest.advanceTimersByTimeAsync(500);
    expect([seen, line.length]).toEqual([["c gone", "b"], 1]);
    line.wake();
    await settle();
    expect([seen, line.length]).toEqual([["c gone", "b", "a"], 0]);
  });

  it("passes over those who have gone or whose time is up, also in the moment in which it is their turn", async () => {
    const line = createLine();
    const seen: string[] = [];
    const leaving = new AbortController();
    void joinAs(line, "a", seen);
    void joinAs(line, "b", seen, 500);
    void joinAs(line, "c", seen, 1_000, leaving.signal);
    void joinAs(line, "d", seen, 1_000, AbortSignal.abort());
    void joinAs(line, "e", seen);
    await jest.advanceTimersByTimeAsync(500);
    expect(line.length).toBe(3);
    leaving.abort();
    line.leave();
    await settle();
    expect(seen).toEqual(["a", "d gone", "b late", "c gone", "e"]);
    line.leave();
    expect(line.length).toBe(0);
  });

  it("lets the first wait until it is woken, or for a time", async () => {
    const line = createLine();
    await line.join(0, undefined);
    let woken = 0;
    void line.wait(1_000, undefined).then(() => woken++);
    line.wake();
    line.wake();
    await settle();
    expect(woken).toBe(1);
    void line.wait(1_000, undefined).then(() => woken++);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(woken).toBe(2);
    const gone = new AbortController();
    const waiting = line.wait(1_000, gone.signal);
    gone.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    line.wake();
    line.leave();
  });
});
