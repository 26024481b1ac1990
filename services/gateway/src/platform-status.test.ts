import { describe, expect, it } from "@jest/globals";
import { CacheLevel } from "@quartet/contracts/type/v1/stats";
import { mergeReports, type Report } from "./platform-status.ts";

const report = (service: string, instance: string, more: Report = {}): Report => ({
  instances: [{ service, instance, ready: true }],
  ...more,
});
const pool = (size: number, waitMs: number) => ({
  name: "postgres",
  size,
  maxSize: 10,
  idleCount: 1,
  waitingCount: 2,
  waitP95: { seconds: 0n, nanos: waitMs * 1_000_000 },
});
const queue = (waitingCount: bigint, doneCount: bigint, seconds: bigint) => ({
  name: "outbox",
  waitingCount,
  doneCount,
  oldestAge: { seconds, nanos: 0 },
});

describe("figures of several processes", () => {
  it("add up where each has its own, and stand for all where each sees the whole", () => {
    const status = mergeReports(
      [
        report("retrieval", "r-2", { pools: [pool(3, 5)], queues: [queue(7n, 10n, 4n)] }),
        report("retrieval", "r-1", { pools: [pool(4, 9)], queues: [queue(6n, 30n, 5n)] }),
      ],
      [],
    );
    expect(status.instances.map(({ instance }) => instance)).toEqual(["r-1", "r-2"]);
    expect(status.pools).toMatchObject([{ size: 7, maxSize: 20, idleCount: 2, waitingCount: 4 }]);
    expect(status.pools[0]?.waitP95?.nanos).toBe(9_000_000);
    expect(status.queues).toMatchObject([{ waitingCount: 7n, doneCount: 40n, oldestAge: { seconds: 5n } }]);
  });

  it("add up for each level of caches, the oldest entry standing for all", () => {
    const cache = (level: CacheLevel, hitCount: bigint, seconds: bigint) => ({
      ...{ level, hitCount, missCount: 1n, coalescedCount: 2n, bypassCount: 3n, evictionCount: 4n },
      ...{ invalidationCount: 5n, entryCount: 6n, byteCount: 7n, oldestAge: { seconds, nanos: 0 } },
    });
    const status = mergeReports(
      [
        report("retrieval", "r-1", { caches: [cache(CacheLevel.SEARCH_RESULTS, 10n, 60n)] }),
        report("retrieval", "r-2", { caches: [cache(CacheLevel.SEARCH_RESULTS, 5n, 90n)] }),
        report("embedding", "e-1", { caches: [cache(CacheLevel.EMBEDDINGS, 1n, 1n)] }),
      ],
      [],
    );
    expect(status.caches.map(({ level }) => level)).toEqual([1, 2]);
    expect(status.caches[1]).toMatchObject({
      ...{ hitCount: 15n, missCount: 2n, coalescedCount: 4n, bypassCount: 6n, evictionCount: 8n },
      ...{ invalidationCount: 10n, entryCount: 12n, byteCount: 14n, oldestAge: { seconds: 90n } },
    });
  });

  it("add up for each counter by name and label", () => {
    const status = mergeReports(
      [
        report("generation", "g-1", { counts: [{ name: "section_seconds", label: "요약", count: 2n, sum: 1.5 }] }),
        report("generation", "g-2", {
          counts: [
            { name: "section_seconds", label: "요약", count: 1n, sum: 0.25 },
            { name: "prompt_tokens_saved", label: "", count: 9n, sum: 120 },
          ],
        }),
      ],
      [],
    );
    expect(status.counts).toMatchObject([
      { name: "prompt_tokens_saved", label: "", count: 9n, sum: 120 },
      { name: "section_seconds", label: "요약", count: 3n, sum: 1.75 },
    ]);
  });

  it("count a process once, however many transports lead to it", () => {
    const standalone = report("standalone", "h-1", { pools: [pool(3, 5)] });
    const status = mergeReports([standalone, standalone, report("gateway", "h-1", { pools: [pool(2, 1)] })], []);
    expect(status.instances.map(({ service }) => service)).toEqual(["standalone"]);
    expect(status.pools[0]?.size).toBe(5);
  });

  it("say what is missing", () => {
    const missing = { hop: "embedding", reason: "REPLICAS_MISSING", source: "", message: "1 of 2" };
    const own = { hop: "retrieval", reason: "UPSTREAM_FAILED", source: "", message: "no figures" };
    const status = mergeReports([report("retrieval", "r-1", { degradations: [own] })], [missing]);
    expect(status.degradations).toMatchObject([missing, own]);
    expect(status.snapshotTime).toBeDefined();
  });
});
