import { describe, expect, it } from "@jest/globals";
import { createLeasedWork, type Held } from "./lease.ts";

const signal = new AbortController().signal;

function setUp() {
  const state = { free: true, rounds: 0, changes: [] as boolean[], lost: new AbortController(), released: 0 };
  const work = createLeasedWork({
    lease: {
      acquire: async (): Promise<Held | undefined> => {
        if (!state.free) return undefined;
        state.lost = new AbortController();
        return { signal: state.lost.signal, release: async () => void (state.released += 1) };
      },
    },
    round: async (during) => {
      during.throwIfAborted();
      return ++state.rounds;
    },
    heldChanged: (isHeld) => state.changes.push(isHeld),
  });
  return { state, work };
}

describe("leased work", () => {
  it("is done by the holder, and by nobody else", async () => {
    const { state, work } = setUp();
    state.free = false;
    expect([await work.round(signal), state.rounds]).toEqual([0, 0]);
    state.free = true;
    expect([await work.round(signal), await work.round(signal)]).toEqual([1, 2]);
    expect(state.changes).toEqual([true]);
  });

  it("is asked for again after it was lost, and ends where that is noticed", async () => {
    const { state, work } = setUp();
    await work.round(signal);
    state.lost.abort(new Error("lost"));
    state.free = false;
    expect(await work.round(signal)).toBe(0);
    state.free = true;
    expect(await work.round(signal)).toBe(2);
    expect([state.changes, state.released]).toEqual([[true, false, true], 1]);
  });

  it("is let go of once", async () => {
    const { state, work } = setUp();
    await work.round(signal);
    await Promise.all([work.release(), work.release()]);
    expect([state.changes, state.released]).toEqual([[true, false], 1]);
  });
});
