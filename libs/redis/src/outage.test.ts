import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createOutage } from "./outage.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function setUp() {
  const state = { alive: false, pings: 0 };
  const changes: boolean[] = [];
  const outage = createOutage({
    ping: async () => {
      state.pings += 1;
      return state.alive;
    },
    onChange: (down) => changes.push(down),
    random: () => 1,
  });
  return { state, changes, outage };
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe("an outage", () => {
  it("is over at once where only one reply was late", async () => {
    const { state, changes, outage } = setUp();
    state.alive = true;
    outage.trouble();
    expect(outage.down).toBe(true);
    await pass(1);
    expect(outage.down).toBe(false);
    expect([changes, state.pings]).toEqual([[true, false], 1]);
  });

  it("pings at growing distances while nothing answers, whoever else complains", async () => {
    const { state, outage } = setUp();
    for (let call = 0; call < 50; call++) outage.trouble();
    const pingsAfter: number[] = [];
    for (const ms of [1, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
      await pass(ms);
      pingsAfter.push(state.pings);
    }
    expect(pingsAfter).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    state.alive = true;
    await pass(5_000);
    expect(outage.down).toBe(false);
  });

  it("leaves a server that answers pings alone for longer each time, until it has answered a call", async () => {
    const { state, outage } = setUp();
    state.alive = true;
    outage.trouble();
    await pass(1);
    for (const pauseMs of [100, 200, 400]) {
      outage.trouble();
      await pass(pauseMs - 1);
      expect(outage.down).toBe(true);
      await pass(1);
      expect(outage.down).toBe(false);
    }
    outage.answered();
    outage.trouble();
    await pass(1);
    expect(outage.down).toBe(false);
  });

  it("ends with a new connection, and says nothing once closed", async () => {
    const { state, changes, outage } = setUp();
    outage.trouble();
    await pass(1_000);
    outage.connected();
    expect(outage.down).toBe(false);
    const pings = state.pings;
    await pass(60_000);
    expect(state.pings).toBe(pings);
    outage.close();
    outage.trouble();
    await pass(60_000);
    expect([changes, jest.getTimerCount()]).toEqual([[true, false], 0]);
  });
});
