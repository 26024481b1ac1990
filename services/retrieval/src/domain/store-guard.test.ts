import { describe, expect, it } from "@jest/globals";
import { CircuitOpenError, createBreaker } from "@quartet/resilience";
import { IndexMissingError } from "./projection.ts";
import type { CallOptions } from "./record-store.ts";
import { StoreBusyError, StoreRefusedError, StoreTimeoutError } from "./store-errors.ts";
import { createStoreGuard } from "./store-guard.ts";

const deaf = () => new Promise<never>(() => {});
const call = { signal: new AbortController().signal, limitMs: 60_000 };

function setUp() {
  const breaker = createBreaker({ name: "store", minimumCalls: 5 });
  const guard = createStoreGuard({ breaker, fairMs: 10 });
  return { breaker, guard, [Symbol.dispose]: () => breaker.close() };
}
const times = async (count: number, act: () => Promise<unknown>) => {
  for (let each = 0; each < count; each += 1) await act().catch(() => undefined);
};

describe("what stands before a store", () => {
  it("ends a deaf call at its limit, which it is told, with a signal of its own", async () => {
    using store = setUp();
    let told: CallOptions | undefined;
    const work = (options: CallOptions) => ((told = options), deaf());
    await expect(store.guard.run(work, { ...call, limitMs: 5 })).rejects.toThrow(StoreTimeoutError);
    expect(told).toMatchObject({ timeoutMs: 5, signal: { aborted: true } });
    expect(told!.signal).not.toBe(call.signal);
    expect(call.signal.aborted).toBe(false);
  });

  it.each([
    ["faults", 60_000, () => Promise.reject(new Error("connection refused"))],
    ["silence", 10, deaf],
  ])("asks no more after %s", async (_, limitMs, work) => {
    using store = setUp();
    await times(5, () => store.guard.run(work, { ...call, limitMs }));
    expect(store.breaker.state).toBe("open");
    let asked = false;
    await expect(store.guard.run(async () => (asked = true), call)).rejects.toThrow(CircuitOpenError);
    expect(asked).toBe(false);
  });

  it("holds nothing against the store that is not its fault", async () => {
    using store = setUp();
    await times(8, () => store.guard.run(() => Promise.reject(new StoreBusyError("store")), call));
    await times(8, () => store.guard.run(() => Promise.reject(new IndexMissingError("store")), call));
    await times(8, () => store.guard.run(() => Promise.reject(new StoreRefusedError("store")), call));
    await times(8, () => store.guard.run(deaf, { ...call, limitMs: 1 }));
    await times(8, async () => {
      const caller = new AbortController();
      const asked = store.guard.run(deaf, { ...call, signal: caller.signal });
      caller.abort(new Error("left"));
      await expect(asked).rejects.toThrow("left");
    });
    expect(store.breaker.state).toBe("closed");
  });

  it("does not ask for somebody who has left", async () => {
    using store = setUp();
    const signal = AbortSignal.abort(new Error("left"));
    await expect(store.guard.run(() => Promise.reject(new Error("asked")), { ...call, signal })).rejects.toThrow(
      "left",
    );
  });
});
