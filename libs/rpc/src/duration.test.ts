import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { toDuration } from "./duration.ts";

describe("a measured time", () => {
  it.each([
    [0, 0n, 0],
    [-0.4, 0n, 0],
    [0.0004, 0n, 0],
    [1.2345, 0n, 1_235_000],
    [999.9999, 1n, 0],
    [90_061.5, 90n, 61_500_000],
  ])("of %d ms is whole microseconds", (ms, seconds, nanos) => {
    expect(toDuration(ms)).toMatchObject({ seconds, nanos });
  });

  it("comes back from the wire as it went, within half a microsecond", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
        const { seconds, nanos } = fromBinary(DurationSchema, toBinary(DurationSchema, toDuration(ms)));
        expect(nanos).toBeLessThan(1_000_000_000);
        expect(Math.abs(Number(seconds) * 1000 + nanos / 1e6 - ms)).toBeLessThanOrEqual(0.000_51);
      }),
    );
  });
});
