import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createPace } from "./pace.ts";

describe("the pace of streams", () => {
  it("lets a stream's first piece go at once, and one stream alone go on as it comes", () => {
    let time = 0;
    const stream = createPace({ maxRestMs: 50, now: () => time }).begin();
    expect(stream.restMs()).toBeUndefined();
    stream.went();
    expect(stream.restMs()).toBeLessThan(1);
    time = 1;
    expect(stream.restMs()).toBe(0);
  });

  it("gives streams that have begun an equal share, and frees that of one that ends", () => {
    let time = 0;
    const pace = createPace({ maxRestMs: 50, perSecond: 1_000, now: () => time });
    const streams = Array.from({ length: 10 }, () => pace.begin());
    pace.begin();
    for (const stream of streams) stream.went();
    expect(streams.map((stream) => stream.restMs())).toEqual(Array(10).fill(10));
    streams[0]!.end();
    streams[0]!.end();
    time = 4;
    expect(streams[1]!.restMs()).toBe(5);
  });

  it("keeps all streams together to its number, and none longer than the longest rest", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 100 }), (count, maxRestMs) => {
        let time = 0;
        const pace = createPace({ maxRestMs, now: () => time });
        const streams = Array.from({ length: count }, () => ({ paced: pace.begin(), wentAt: 0 }));
        for (const { paced } of streams) paced.went();
        let pieces = 0;
        let longest = 0;
        for (time = 1; time <= 200; time += 1) {
          for (const stream of streams) {
            if (stream.paced.restMs()! > 0) continue;
            longest = Math.max(longest, time - stream.wentAt);
            stream.wentAt = time;
            stream.paced.went();
            pieces += 1;
          }
        }
        expect(longest).toBeLessThanOrEqual(maxRestMs + 1);
        expect(pieces).toBeLessThanOrEqual(Math.max(400, (200 * count) / maxRestMs));
      }),
    );
  });
});
