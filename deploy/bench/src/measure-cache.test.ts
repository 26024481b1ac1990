import { describe, expect, it } from "@jest/globals";
import type { CacheSubject } from "./cache-subject.ts";
import { createZipf, replay } from "./measure-cache.ts";
import { createRandom } from "./random.ts";

describe("a replay by Zipf's law", () => {
  it("draws each rank in proportion to one over it", () => {
    const draw = createZipf(1_000, createRandom(1));
    const counts = new Array<number>(1_000).fill(0);
    for (let count = 0; count < 100_000; count++) counts[draw()]!++;
    expect(counts[0]! / counts[1]!).toBeCloseTo(2, 0);
    expect(counts[0]! / counts[9]!).toBeGreaterThan(8);
    expect(counts[0]! / counts[9]!).toBeLessThan(12);
  });

  it("counts what came from a cache that forgets all at each change", async () => {
    let known = new Set<string>();
    const subject: CacheSubject = {
      put: async () => void (known = new Set()),
      search: async (question) => {
        const cached = known.has(question);
        known.add(question);
        return { cached, elapsedMs: cached ? 1 : 10 };
      },
      figures: async () => ({ entries: 0, bytes: 0, evictions: 0 }),
      close: async () => {},
    };
    const questions = Array.from({ length: 2_910 }, (_, index) => ({ text: `${index}`, collection: "a" }));
    const documents = [{ id: "d", title: "", text: "", collection: "a" }];
    const run = (changeEvery: number) =>
      replay(subject, { name: "", questions, inCollection: true, changeEvery }, documents, { draws: 10_000, seed: 7 });
    const still = await run(0);
    // Expected by the law: .823 and .574.
    expect(still.hitRate).toBeGreaterThan(0.8);
    expect(still.hitRate).toBeLessThan(0.85);
    expect(still).toMatchObject({ changes: 0, hitMs: { p95: 1 }, missMs: { p50: 10 } });
    expect(still.course).toHaveLength(10);
    known = new Set();
    const changing = await run(1_000);
    expect(changing.changes).toBe(9);
    expect(changing.hitRate).toBeGreaterThan(0.54);
    expect(changing.hitRate).toBeLessThan(0.61);
  });
});
