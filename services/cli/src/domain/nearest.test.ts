import { describe, expect, it } from "@jest/globals";
import { fromBytes, nearest, shareFound } from "./nearest.ts";

const vectors = [
  [1, 0],
  [0, 0],
  [3, 3],
  [2, 0.1],
  [-1, 0],
].map((values) => Float32Array.from(values));

describe("the nearest vectors", () => {
  it("are those with the greatest cosine, whatever their length, the first of equals first", () => {
    expect(nearest(Float32Array.of(5, 0), vectors, 3)).toEqual([0, 3, 2]);
    expect(nearest(Float32Array.of(5, 0), [...vectors, Float32Array.of(7, 0)], 2)).toEqual([0, 5]);
    expect(nearest(Float32Array.of(0, 0), vectors, 2)).toEqual([0, 1]);
    expect(nearest(Float32Array.of(1, 1), vectors, 10)).toHaveLength(5);
  });

  it("are compared by what was to be found", () => {
    expect(shareFound([1, 2, 3, 4], [4, 3, 9, 8])).toBe(0.5);
    expect(shareFound([], [1])).toBe(1);
  });

  it("can be in a byte a component", () => {
    expect([...fromBytes({ bytes: Int8Array.of(-127, 0, 50), scale: 0.5 })]).toEqual([-63.5, 0, 25]);
  });
});
