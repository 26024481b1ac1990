import { describe, expect, it } from "@jest/globals";
import type { ReplyJson } from "@quartet/provider";
import { pacedEvents } from "./paced-events.ts";

const event = (value: unknown): ReplyJson => ({ data: JSON.stringify(value), value });

/** A reply in these steps; it tells how long was waited before each but the first. */
function replyIn(steps: readonly (readonly unknown[])[], left: () => void = () => undefined) {
  const lingered: number[] = [];
  return {
    lingered,
    async *events() {
      try {
        for (const step of steps) yield step.map(event);
      } finally {
        left();
      }
    },
    async linger(ms: number) {
      lingered.push(ms);
    },
  };
}

async function gather(reply: ReturnType<typeof replyIn>, restMs: () => number | undefined) {
  const seen: unknown[][] = [];
  for await (const events of pacedEvents(reply, { restMs })) seen.push(events.map(({ value }) => value));
  return seen;
}

describe("pacedEvents", () => {
  it("gives every step of the reply, and rests between them as long as the stream says", async () => {
    const reply = replyIn([[1, 2], [3], [4, 5]]);
    const rests = [20, 30, 40];
    expect(await gather(reply, () => rests.shift())).toEqual([[1, 2], [3], [4, 5]]);
    expect(reply.lingered).toEqual([20, 30, 40]);
  });

  it("waits for nothing before the first that goes on, and for no timer where the rest is shorter than one", async () => {
    const reply = replyIn([[1], [2], [3]]);
    const rests = [undefined, 0, 0.9];
    expect(await gather(reply, () => rests.shift())).toEqual([[1], [2], [3]]);
    expect(reply.lingered).toEqual([]);
  });

  it("lets its reply go when it is left", async () => {
    let left = false;
    const events = pacedEvents(
      replyIn([[1], [2]], () => (left = true)),
      { restMs: () => undefined },
    );
    await events.next();
    await events.return();
    expect(left).toBe(true);
  });
});
