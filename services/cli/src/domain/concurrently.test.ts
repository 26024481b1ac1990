import { describe, expect, it } from "@jest/globals";
import { forEachConcurrently } from "./concurrently.ts";

async function* numbers(count: number, onReturn: () => void = () => undefined) {
  try {
    for (let number = 0; number < count; number++) yield number;
  } finally {
    onReturn();
  }
}

describe("working concurrently", () => {
  it("does everything once, never more than the limit at a time", async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    await forEachConcurrently(numbers(20), 3, async (number) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      done.push(number);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(most).toBe(3);
  });

  it("stops at the first error, waits for the rest and closes the source", async () => {
    let closed = false;
    const finished: number[] = [];
    const work = async (number: number) => {
      await new Promise(setImmediate);
      if (number === 2) throw new Error("two");
      await new Promise(setImmediate);
      finished.push(number);
    };
    const source = numbers(1_000, () => (closed = true));
    await expect(forEachConcurrently(source, 2, work)).rejects.toThrow("two");
    expect(closed).toBe(true);
    expect(finished.length).toBeLessThan(6);
  });

  it("takes plain lists, and nothing at all", async () => {
    const done: string[] = [];
    await forEachConcurrently(["a", "b"], 4, async (item) => void done.push(item));
    await forEachConcurrently([], 4, async () => void done.push("never"));
    expect(done).toEqual(["a", "b"]);
  });
});
