import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { BulkheadFullError, createBulkhead } from "./bulkhead.ts";
import type { Slot } from "./bulkhead.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());
const settled = async () => {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
};

describe("createBulkhead", () => {
  it("admits up to its limit, then lets wait, then refuses", async () => {
    const bulkhead = createBulkhead({ name: "hop", maxInFlight: 1, maxQueued: 1 });
    const slot = await bulkhead.acquire();
    const waiting = bulkhead.acquire();
    expect(bulkhead).toMatchObject({ inFlight: 1, queued: 1 });
    await expect(bulkhead.acquire()).rejects.toThrow(new BulkheadFullError("hop", "full"));
    slot.release();
    slot.release();
    (await waiting).release();
    expect(bulkhead).toMatchObject({ inFlight: 0, queued: 0 });
    expect(jest.getTimerCount()).toBe(0);
  });

  it("limits the wait", async () => {
    const bulkhead = createBulkhead({ name: "hop", maxInFlight: 1, maxQueued: 9, maxWaitMs: 100 });
    await bulkhead.acquire();
    const errors: unknown[] = [];
    for (const maxWaitMs of [50, 900, 0]) bulkhead.acquire({ maxWaitMs }).catch((error: unknown) => errors.push(error));
    await settled();
    expect(errors).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(50);
    expect(errors).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(50);
    expect(errors).toEqual(Array(3).fill(new BulkheadFullError("hop", "waited")));
    expect(bulkhead.queued).toBe(0);
  });

  it("lets who is aborted leave the line", async () => {
    const bulkhead = createBulkhead({ name: "hop", maxInFlight: 1, maxQueued: 9 });
    const slot = await bulkhead.acquire();
    const leaving = new AbortController();
    const left = bulkhead.acquire({ signal: leaving.signal });
    const stays = bulkhead.acquire();
    leaving.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    slot.release();
    await stays;
    await expect(bulkhead.acquire({ signal: leaving.signal })).rejects.toThrow("gone");
    expect(bulkhead).toMatchObject({ inFlight: 1, queued: 0 });
    expect(jest.getTimerCount()).toBe(0);
  });

  it("refuses a limit that admits nobody", () => {
    expect(() => createBulkhead({ name: "hop", maxInFlight: 0 })).toThrow(RangeError);
  });

  it("is a counter with a line in front of it, in any order of events", async () => {
    const event = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ do: "acquire", which: 0 } as const) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), which: fc.nat(120) }) },
    );
    const limits = fc.record({ maxInFlight: fc.integer({ min: 1, max: 3 }), maxQueued: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(event, { maxLength: 40 }), async ({ maxInFlight, maxQueued }, events) => {
        const bulkhead = createBulkhead({ name: "hop", maxInFlight, maxQueued, maxWaitMs: 100 });
        const callers: { abort: AbortController; slot?: Slot; error?: unknown }[] = [];
        let now = 0;
        let running: number[] = [];
        let line: { id: number; until: number }[] = [];
        for (const { do: what, which } of events) {
          if (what === "acquire") {
            const id = callers.length;
            const caller: (typeof callers)[number] = { abort: new AbortController() };
            callers.push(caller);
            bulkhead.acquire({ signal: caller.abort.signal }).then(
              (slot) => (caller.slot = slot),
              (error: unknown) => (caller.error = error),
            );
            if (running.length < maxInFlight) running.push(id);
            else if (line.length < maxQueued) line.push({ id, until: now + 100 });
          } else if (what === "wait") {
            await jest.advanceTimersByTimeAsync(which);
            now += which;
            line = line.filter(({ until }) => until > now);
          } else if (what === "abort" && line.length > 0) {
            const [left] = line.splice(which % line.length, 1);
            callers[left!.id]!.abort.abort();
          } else if (what === "release" && running.length > 0) {
            const [ended] = running.splice(which % running.length, 1);
            callers[ended!]!.slot!.release();
            callers[ended!]!.slot!.release();
            const next = line.shift();
            if (next) running = [...running, next.id];
          }
          await settled();
          expect([bulkhead.inFlight, bulkhead.queued]).toEqual([running.length, line.length]);
          callers.forEach(({ slot, error }, id) => {
            const waits = line.some((each) => each.id === id);
            if (slot === undefined && error === undefined) expect(waits).toBe(true);
            else expect(waits).toBe(false);
          });
          for (const id of running) expect(callers[id]!.slot).toBeDefined();
        }
      }),
      { numRuns: 300 },
    );
  });
});
