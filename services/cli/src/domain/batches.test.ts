import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { inBatches, maxBatchBytes, maxBatchDocuments } from "./batches.ts";

async function collect<T>(batches: AsyncIterable<T[]>): Promise<T[][]> {
  const all: T[][] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

describe("batches", () => {
  it("keep the order and both bounds, and lose nothing", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 2 * maxBatchBytes }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (items) => {
        const batches = await collect(inBatches(from(items), (size) => size));
        expect(batches.flat()).toEqual(items);
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0);
          const byteCount = batch.reduce((sum, size) => sum + size, 0);
          expect(byteCount <= maxBatchBytes || batch.length === 1).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("hold at most as many documents as a put takes", async () => {
    const batches = await collect(inBatches(from(Array.from({ length: 250 }, () => 1)), () => 10));
    expect(batches.map((batch) => batch.length)).toEqual([maxBatchDocuments, maxBatchDocuments, 50]);
  });
});
