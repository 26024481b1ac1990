import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { frameOverheadBytes, fromFrame, toFrame } from "./frame.ts";

const bytes = fc.uint8Array({ maxLength: 300 });
const version = fc.integer({ min: 0, max: 255 });

describe("a frame", () => {
  it("gives back what was put in", () => {
    fc.assert(
      fc.property(version, bytes, (of, inside) => {
        const frame = toFrame(of, inside);
        expect(frame.byteLength).toBe(inside.byteLength + frameOverheadBytes);
        expect(new Uint8Array(fromFrame(of, frame)!)).toEqual(inside);
      }),
    );
  });

  it("is none for another version of what is inside", () => {
    fc.assert(
      fc.property(version, version, bytes, (of, other, inside) => {
        fc.pre(of !== other);
        expect(fromFrame(other, toFrame(of, inside))).toBeUndefined();
      }),
    );
  });

  it("is none once a byte of it has changed, or is missing, or is one too many", () => {
    fc.assert(
      fc.property(version, bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (of, inside, at, difference) => {
        const frame = toFrame(of, inside);
        expect(fromFrame(of, frame.subarray(0, at % frame.byteLength))).toBeUndefined();
        expect(fromFrame(of, Buffer.concat([frame, Buffer.of(difference)]))).toBeUndefined();
        frame[at % frame.byteLength]! ^= difference;
        expect(fromFrame(of, frame)).toBeUndefined();
      }),
    );
  });

  it("is none of anything else, and never throws", () => {
    fc.assert(
      fc.property(version, bytes, (of, garbage) => {
        expect(fromFrame(of, Buffer.from(garbage))).toBeUndefined();
      }),
    );
  });
});
