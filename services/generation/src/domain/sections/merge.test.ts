import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { mergeSources } from "./merge.ts";

/** What a source does between its events: nothing, or so many turns of the event loop. */
const script = fc.array(fc.nat({ max: 3 }), { maxLength: 8 });

async function* play(source: number, waits: readonly number[], held?: { now: number; most: number }) {
  for (const [index, wait] of waits.entries()) {
    for (let turn = 0; turn < wait; turn += 1) await new Promise(setImmediate);
    if (held) held.most = Math.max(held.most, (held.now += 1));
    yield { source, index };
  }
}

async function read<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("merged sources", () => {
  it("give every event of each source, in its order, and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(script, { maxLength: 8 }), async (scripts) => {
        const events = await read(mergeSources(scripts.map((waits, source) => play(source, waits))));
        expect(events).toHaveLength(scripts.flat().length);
        for (const [source, waits] of scripts.entries()) {
          const own = events.filter((event) => event.source === source).map(({ index }) => index);
          expect(own).toEqual(waits.map((_, index) => index));
        }
      }),
    );
  });

  it("take turns where all have something", async () => {
    const events = await read(mergeSources([play(0, [0, 0, 0]), play(1, [0, 0, 0]), play(2, [0, 0, 0])]));
    for (let round = 0; round < 3; round += 1) {
      expect(
        events
          .slice(3 * round, 3 * round + 3)
          .map(({ source }) => source)
          .sort(),
      ).toEqual([0, 1, 2]);
    }
  });

  it("do not wait for one that has nothing", async () => {
    const never = (async function* () {
      await new Promise(() => undefined);
      yield { source: 9, index: 0 };
    })();
    const merged = mergeSources([never, play(0, [0, 1, 0])]);
    for (let index = 0; index < 3; index += 1) expect((await merged.next()).value).toEqual({ source: 0, index });
  });

  it("hold one event of each source at most, however long nobody reads", async () => {
    const held = { now: 0, most: 0 };
    const merged = mergeSources([0, 1, 2].map((source) => play(source, Array(20).fill(0), held)));
    for (let read = 0; read < 60; read += 1) {
      await merged.next();
      held.now -= 1;
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
      expect(held.most).toBeLessThanOrEqual(3);
    }
    expect((await merged.next()).done).toBe(true);
  });

  it("fail with what a source fails with, and let go of the others", async () => {
    let closed = false;
    const endless = (async function* () {
      try {
        for (;;) yield 1;
      } finally {
        closed = true;
      }
    })();
    const failing = (async function* () {
      yield 2;
      throw new Error("a defect");
    })();
    await expect(read(mergeSources<number>([endless, failing]))).rejects.toThrow("a defect");
    await new Promise(setImmediate);
    expect(closed).toBe(true);
  });

  it("let go of all where the reader leaves, also while one of them is parked", async () => {
    const closed: string[] = [];
    const abort = new AbortController();
    const parked = (async function* () {
      try {
        await new Promise((_, reject) => abort.signal.addEventListener("abort", () => reject(abort.signal.reason)));
        yield "never";
      } finally {
        closed.push("parked");
      }
    })();
    const ready = (async function* () {
      try {
        for (;;) yield "ready";
      } finally {
        closed.push("ready");
      }
    })();
    for await (const _ of mergeSources([parked, ready])) break;
    abort.abort(new Error("left"));
    await new Promise(setImmediate);
    expect(closed.sort()).toEqual(["parked", "ready"]);
  });

  it("of none are none", async () => {
    expect(await read(mergeSources([]))).toEqual([]);
  });
});
