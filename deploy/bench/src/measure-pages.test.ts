import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "@jest/globals";
import { measurePages } from "./measure-pages.ts";

/** Passages of some 800 characters: held all together, they and the messages they come in would be far more than the bound. */
const streamedCount = 3_000;
const maxGrowthBytes = 4 * 2 ** 20;

it("streams a large result with flat memory in gateway and retrieval, and its first page at the cost of a search", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quartet-pages-"));
  try {
    const plan = { passageCount: streamedCount + 200, streamedCount, pageSize: 100, rounds: 5 };
    // The embedded stores, whatever else is there.
    const environment = { DATABASE_URL: undefined, ELASTICSEARCH_URL: undefined, REDIS_URL: undefined };
    const signal = new AbortController().signal;
    const measured = await measurePages({ ...plan, folder, environment, signal, progress: () => undefined });
    expect([measured.streamed, measured.distinct]).toEqual([streamedCount, streamedCount]);
    for (const { growth, during } of measured.memory) {
      expect(during).toHaveLength(4);
      expect(growth).toBeLessThan(maxGrowthBytes);
    }
    // Twice is the target; the rest is for a machine that does other things as well.
    expect(measured.ratio).toBeLessThan(5);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);
