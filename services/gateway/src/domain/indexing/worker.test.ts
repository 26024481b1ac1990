import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { createWorker } from "./worker.ts";

const settle = () => new Promise(setImmediate);

/** A worker whose sleeps are written down, and end when the test says so. */
function setUp(round: (signal: AbortSignal) => Promise<number>) {
  const sleeps: number[] = [];
  let wakeUp: () => void = () => undefined;
  const failures: string[] = [];
  const worker = createWorker({
    round,
    pollMs: 5_000,
    minBackOffMs: 1_000,
    maxBackOffMs: 60_000,
    random: () => 1,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        sleeps.push(ms);
        wakeUp = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    events: { failed: (_, reason) => failures.push(reason) },
  });
  return { worker, sleeps, failures, wakeUp: () => wakeUp() };
}

describe("the worker", () => {
  it("goes on while there is something to do, and polls when there is not", async () => {
    const counts = [5, 3, 0, 0];
    let rounds = 0;
    const { worker, sleeps, wakeUp } = setUp(async () => counts[rounds++] ?? 0);
    worker.start();
    await settle();
    expect([rounds, sleeps]).toEqual([3, [5_000]]);
    wakeUp();
    await settle();
    expect([rounds, sleeps]).toEqual([4, [5_000, 5_000]]);
    await worker.stop();
  });

  it("is woken by a put, also by one that comes during a round", async () => {
    let rounds = 0;
    const { worker, sleeps } = setUp(async () => {
      rounds += 1;
      if (rounds === 1) worker.wake();
      return 0;
    });
    worker.start();
    await settle();
    expect([rounds, sleeps]).toEqual([2, [5_000]]);
    worker.wake();
    await settle();
    expect(rounds).toBe(3);
    await worker.stop();
  });

  it("backs off when rounds fail, at least as long as it is told, whatever is put meanwhile", async () => {
    let rounds = 0;
    const { worker, sleeps, failures, wakeUp } = setUp(async () => {
      rounds += 1;
      if (rounds === 3) return 0;
      const retryDelayMs = rounds === 2 ? 90_000 : undefined;
      throw quartetError({ code: Code.ResourceExhausted, reason: "LLM_RATE_LIMIT", message: "later", retryDelayMs });
    });
    worker.start();
    await settle();
    worker.wake();
    await settle();
    expect([rounds, sleeps]).toEqual([1, [2_000]]);
    wakeUp();
    await settle();
    expect(sleeps).toEqual([2_000, 90_000]);
    wakeUp();
    await settle();
    expect(sleeps).toEqual([2_000, 90_000, 5_000]);
    expect(failures).toEqual(["LLM_RATE_LIMIT", "LLM_RATE_LIMIT"]);
    await worker.stop();
  });

  it("ends a round in flight when it stops", async () => {
    const { worker, failures } = setUp(
      (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    worker.start();
    await settle();
    await worker.stop();
    expect(failures).toEqual([]);
  });
});
