import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeResult, resultCodec } from "./result-codec.ts";
import { resultOf } from "./test/samples.ts";

const whole = resultOf("연차 휴가는 15일이다.");
const decode = (value: unknown) => resultCodec.decode(Buffer.from(JSON.stringify(value)));

/** The same with one value, somewhere within, replaced. */
function* damaged(value: unknown, by: unknown): Generator<unknown> {
  if (typeof value !== "object" || value === null) return yield by;
  for (const key of Object.keys(value)) {
    for (const each of damaged((value as Record<string, unknown>)[key], by)) {
      yield Array.isArray(value)
        ? value.map((old, index) => (String(index) === key ? each : old))
        : { ...value, [key]: each };
    }
  }
}

describe("a result as bytes", () => {
  it("comes back as it was", () => {
    const encoded = encodeResult(whole);
    expect(resultCodec.decode(Buffer.from(resultCodec.encode(encoded)))?.result).toEqual(whole);
    const text = fc.string({ unit: "grapheme" });
    fc.assert(fc.property(text, (each) => expect(decode(resultOf(each))?.result).toEqual(resultOf(each))));
  });

  it("is none where any part of it is not what it should be", () => {
    const { metadata: _, ...document } = whole.passages[0]!.document;
    const bare = { ...whole, passages: [{ ...whole.passages[0]!, document: { ...document, metadata: {} } }] };
    expect(decode(bare)).toBeDefined();
    for (const by of [null, [], { a: 1 }]) {
      const taken = [...damaged(bare, by)].filter((each) => decode(each) !== undefined);
      expect(taken).toEqual([]);
    }
    for (const bad of [-1, 1.5, 2 ** 53, 1e300]) {
      const passage = { ...bare.passages[0]!, document: { ...bare.passages[0]!.document, version: bad } };
      expect(decode({ ...bare, passages: [passage] })).toBeUndefined();
    }
  });

  it("is none where it is no JSON, cut, or something else", () => {
    const { bytes } = encodeResult(whole);
    for (let length = 0; length < bytes.byteLength; length += 7) {
      expect(resultCodec.decode(Buffer.from(bytes.subarray(0, length)))).toBeUndefined();
    }
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(decode(value)).toBeUndefined()));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => expect(resultCodec.decode(Buffer.from(bytes))).toBeUndefined()));
  });
});
