import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createEventReader } from "./sse.ts";

function* inPieces(bytes: Uint8Array, sizes: Iterable<number>) {
  let at = 0;
  for (const size of sizes) {
    if (at >= bytes.length) return;
    yield bytes.subarray(at, (at += size));
  }
  if (at < bytes.length) yield bytes.subarray(at);
}

const read = (text: string | Uint8Array, sizes: Iterable<number> = []) => {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const reader = createEventReader();
  return [...[...inPieces(bytes, sizes)].flatMap((piece) => reader.push(piece)), ...reader.end()];
};
const data = (text: string | Uint8Array) => read(text).map((event) => event.data);

describe("server-sent events", () => {
  it.each([
    ["lines that end in LF", "data: 하나\n\ndata: 둘\n\n"],
    ["in CR LF", "data: 하나\r\n\r\ndata: 둘\r\n\r\n"],
    ["in CR", "data: 하나\r\rdata: 둘\r\r"],
    ["mixed", "data: 하나\r\n\ndata: 둘\r\r\n"],
    ["comments and other fields", ": hello\nid: 1\ndata: 하나\nretry: 5\nfoo\n\n:\n\ndata:둘\n\n"],
    ["a byte order mark", "\uFEFFdata: 하나\n\ndata: 둘\n\n"],
    ["no blank line at the end", "data: 하나\n\ndata: 둘\n"],
    ["no line end at the end", "data: 하나\n\ndata: 둘"],
  ])("are read with %s", (_what, text) => {
    expect(data(text)).toEqual(["하나", "둘"]);
  });

  it("joins lines of data, keeps names, and marks one that may be cut off", () => {
    expect(read("event: error\ndata: a\ndata:  b\ndata\n\ndata: c")).toEqual([
      { event: "error", data: "a\n b\n", isWhole: true },
      { event: "", data: "c", isWhole: false },
    ]);
  });

  it.each(["data: a", "data: a\n", "data: a\r\n"])("marks the last event of %j, which lacks its blank line", (text) => {
    expect(read(text)).toEqual([{ event: "", data: "a", isWhole: false }]);
  });

  it("replaces only bytes that are really no UTF-8", () => {
    const [before, after] = [new TextEncoder().encode("data: 한"), new TextEncoder().encode("글\n\n")];
    expect(data(Buffer.concat([before, Buffer.from([0xff]), after]))).toEqual(["한\uFFFD글"]);
  });

  it("are the same however the bytes are cut", () => {
    const line = fc.oneof(
      fc.constantFrom("", "", ": comment", "data", "event: ping", "id: 7"),
      fc.string({ unit: fc.constantFrom("한", "글", "👩‍👩‍👧", "é", "a", " ", ":", "\t") }).map((text) => `data: ${text}`),
    );
    const text = fc
      .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 30 })
      .map((lines) => lines.flat().join(""));
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 200 }), (written, sizes) => {
        // A CR and an LF of two lines are one line end; the reading in one piece is what they mean.
        expect(read(written, sizes)).toEqual(read(written));
      }),
    );
  });
});
