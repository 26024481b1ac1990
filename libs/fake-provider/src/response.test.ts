import { Writable } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { writeUnlessClosed } from "./response.ts";

/** A reader so slow that there is no room after any write; it leaves after as many as told. */
function slowReader(leavesAfter = Infinity) {
  const read: string[] = [];
  const reader = new Writable({
    highWaterMark: 1,
    write: (chunk, _encoding, done) => {
      read.push(String(chunk));
      setImmediate(() => (read.length >= leavesAfter ? reader.destroy() : done()));
    },
  });
  return { reader, read };
}

const listenersOf = (reader: Writable) =>
  ["drain", "close", "error"].map((event) => reader.listenerCount(event as "drain"));

describe("writing to a slow reader", () => {
  it("leaves no listeners, however often it waits for room", async () => {
    const { reader, read } = slowReader();
    const before = listenersOf(reader);
    expect(await writeUnlessClosed(reader, "가나다".repeat(20), 3)).toBe(true);
    expect(read).toHaveLength(60);
    expect(listenersOf(reader)).toEqual(before);
  });

  it("ends when the reader has left", async () => {
    const { reader, read } = slowReader(2);
    expect(await writeUnlessClosed(reader, "x".repeat(60), 1)).toBe(false);
    expect(read).toHaveLength(2);
    expect(listenersOf(reader)).toEqual([0, 0, 0]);
  });
});
