import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, expect, it } from "@jest/globals";
import { HealthCheckResponse_ServingStatus as Serving } from "@quartet/contracts/grpc/health/v1/health";
import { CacheUse } from "@quartet/contracts/type/v1/search";
import { reasonOf, retryDelayMsOf } from "@quartet/errors";
import { describeWithStores } from "@quartet/testing/jest";
import { type Cluster, errorOf, idsOf, leftOut, openCluster, sample } from "./cluster.ts";
import { heldMemory } from "./held-memory.ts";
import { until } from "./retrieval-process.ts";

/** As in stores/cluster.ts. */
const breakerOpenMs = 2_000;
/** From the end of a breaker's rest to a whole answer. */
const probeMs = 1_000;
/** Granted because others may use the machine. */
const busyMachineMs = 5_000;
const bypassCache = { cacheUse: CacheUse.BYPASS };

/** The rows B1 to B12 and B14 of the fault matrix; B13, filters over an index of vectors, is tested in ../postgres-vector-keeper.test.ts. */
describeWithStores("retrieval when its stores fail", ["postgres", "elasticsearch"], (stores) => {
  let cluster: Cluster;
  let before: { readonly handles: number; readonly heldBytes: number; readonly residentBytes: number };
  beforeAll(async () => {
    cluster = await openCluster(stores, {
      QUARTET_RETRIEVAL_LEG_TIMEOUT: "1s",
      QUARTET_RETRIEVAL_DATABASE_CONNECTIONS: "4",
      NODE_OPTIONS: "--inspect=127.0.0.1:0",
    });
    await cluster.heal();
    await cluster.put(sample);
    await searchMany(200);
    const { service } = cluster;
    before = {
      handles: await service.handleCount(),
      heldBytes: await heldBytes(),
      residentBytes: await service.residentBytes(),
    };
  }, 120_000);
  afterAll(async () => cluster?.[Symbol.asyncDispose](), 60_000);

  const heldBytes = () => heldMemory(cluster.service.output());

  /** Different ones, none of which is kept from before; each must lack nothing. */
  const searchMany = async (count: number) => {
    for (let each = 0; each < count; each += 1) {
      expect(leftOut(await cluster.search(`cats ${each}`, { options: bypassCache }))).toEqual([]);
    }
  };

  /**
   * The rules that hold for every fault: the process lives, nothing secret was written, and all is well again afterwards: the first whole answer
   * comes with the first probe of the breaker, and every one after it is whole.
   */
  afterEach(async () => {
    const lifted = performance.now();
    await cluster.heal();
    expect(performance.now() - lifted).toBeLessThan(breakerOpenMs + probeMs + busyMachineMs);
    await searchMany(30);
    expect(cluster.service.isAlive()).toBe(true);
    const output = cluster.service.output();
    for (const secret of [...cluster.secrets, "canary"]) expect(output).not.toContain(secret);
    expect(output).not.toMatch(/uncaughtException|unhandledRejection|"level":60/);
    expect((await cluster.service.health.check({})).status).toBe(Serving.SERVING);
  }, 60_000);

  /** Asks until the answer lacks exactly that, as it does once a breaker has noticed. */
  const untilLeftOut = (...expected: string[]) =>
    until(
      "the answer lacks what it should",
      () => cluster.search("cats"),
      (answer) => leftOut(answer).join() === expected.join(),
    );

  /** What runs in PostgreSQL for the service now. */
  const running = async (): Promise<number> => {
    const [row] = await cluster.owner.transaction({ signal: new AbortController().signal }, (transaction) =>
      transaction.query<{ count: number }>(
        `SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
         AND application_name LIKE 'quartet-retrieval%'`,
      ),
    );
    return row!.count;
  };

  /** Holds every reader of collections up while the work goes on. */
  const whileRecordIsLocked = (work: () => Promise<void>) =>
    cluster.owner.transaction({ signal: new AbortController().signal }, async (transaction) => {
      await transaction.execute("LOCK TABLE collection IN ACCESS EXCLUSIVE MODE");
      await work();
    });

  it("B1: finds by vectors while Elasticsearch is down, and leaves it alone", async () => {
    await cluster.index.set({ kind: "refuse" });
    const answer = await cluster.search("연차 휴가는 며칠?");
    expect(leftOut(answer)).toEqual(["retrieval.keyword UPSTREAM_FAILED"]);
    expect(idsOf(answer)[0]).toBe("휴가");
    await untilLeftOut("retrieval.keyword CIRCUIT_OPEN");
  }, 60_000);

  it("B2: finds by words in the projection while PostgreSQL is down, and says so", async () => {
    const usual = await cluster.search("purr", { options: { fusion: 3, includeMetadata: true } });
    await cluster.record.set({ kind: "refuse" });
    const answer = await cluster.search("purr", { options: { includeMetadata: true } });
    expect(leftOut(answer)).toEqual(["retrieval.record MAY_BE_STALE", "retrieval.vector UPSTREAM_FAILED"]);
    // The same passage, as the record has it.
    const [passage] = answer.passages;
    expect({ ...passage, score: 0, hits: [] }).toEqual({ ...usual.passages[0], score: 0, hits: [] });
    await untilLeftOut("retrieval.record MAY_BE_STALE", "retrieval.vector CIRCUIT_OPEN");
    const put = await errorOf(cluster.service.documents.putDocuments({ documents: [{ id: "x", text: "x" }] }));
    expect([put.code, reasonOf(put)]).toEqual([Code.Unavailable, "UPSTREAM_FAILED"]);
    const report = (await cluster.service.instance.getInstanceReport({})).status!;
    expect(report.pools.map(({ name }) => name)).toContain("elasticsearch");
    expect(report.degradations).toHaveLength(1);
    await cluster.heal();
    const { pools } = (await cluster.service.instance.getInstanceReport({})).status!;
    const pool = pools.find(({ name }) => name === "postgres")!;
    expect(pool.size).toBeLessThanOrEqual(pool.maxSize);
    expect(pool.waitingCount).toBe(0);
  }, 60_000);

  it("B3: fails soon, retryable, when both are down", async () => {
    await cluster.record.set({ kind: "refuse" });
    await cluster.index.set({ kind: "refuse" });
    for (let round = 0; round < 8; round += 1) {
      const error = await errorOf(cluster.search("cats"));
      expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "ALL_SOURCES_FAILED"]);
      expect(retryDelayMsOf(error)).toBeGreaterThan(0);
      expect(error.rawMessage).not.toMatch(/127\.0\.0\.1|ECONN|canary/);
    }
  }, 60_000);

  it.each(["index", "record"] as const)(
    "B4: keeps to the time of the call when the %s hangs",
    async (store) => {
      await cluster[store].set({ kind: "hang" });
      const started = performance.now();
      const answer = await cluster.search("연차 휴가", { timeoutMs: 15_000 });
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(idsOf(answer)).toContain("휴가");
      expect(leftOut(answer)).toEqual(
        store === "index"
          ? ["retrieval.keyword OUT_OF_TIME"]
          : ["retrieval.record MAY_BE_STALE", "retrieval.vector OUT_OF_TIME"],
      );
    },
    60_000,
  );

  it("B5: uses what came of an answer in part, and says so", async () => {
    const faults = [
      (answer: Record<string, unknown>) => ({ ...answer, timed_out: true }),
      (answer: Record<string, unknown>) => ({ ...answer, _shards: { total: 2, successful: 1, skipped: 0, failed: 1 } }),
    ];
    for (const edit of faults) {
      cluster.searches.set({ kind: "edit", edit });
      const answer = await cluster.search("cats purr");
      expect(leftOut(answer)).toEqual(["retrieval.keyword PARTIAL_SHARDS"]);
      expect(answer.passages[0]!.hits).toHaveLength(2);
    }
  }, 60_000);

  it.each([
    ["B6", 429, "es_rejected_execution_exception"],
    ["B7", 503, "cluster_block_exception"],
  ])(
    "%s: goes on without keywords after HTTP %i, and asks once",
    async (_, status, type) => {
      cluster.searches.set({ kind: "status", status, type });
      const before = cluster.searches.searchCount;
      const answer = await cluster.search("dogs bark");
      expect(cluster.searches.searchCount - before).toBe(1);
      expect(leftOut(answer)).toEqual(["retrieval.keyword UPSTREAM_FAILED"]);
      expect(idsOf(answer)).toContain("dogs");
    },
    60_000,
  );

  it("B8: reads no more of an answer than fits", async () => {
    const residentBytes = async () =>
      Number((await cluster.service.instance.getInstanceReport({})).status!.instances[0]!.residentByteCount);
    const before = await residentBytes();
    cluster.searches.set({ kind: "flood", bytes: 200 * 1024 ** 2 });
    // What floods this process too may leave the other leg no time either.
    const answer = await until(
      "vectors answer alone",
      () => cluster.search("dogs bark"),
      ({ passages }) => passages.length > 0,
    );
    expect(leftOut(answer)[0]).toMatch(/^retrieval\.keyword (UPSTREAM_FAILED|OUT_OF_TIME|CIRCUIT_OPEN)$/);
    expect((await residentBytes()) - before).toBeLessThan(150 * 1024 ** 2);
  }, 60_000);

  it("B9: cancels on the server what PostgreSQL is too slow for", async () => {
    await whileRecordIsLocked(async () => {
      const answer = await cluster.search("cats purr");
      expect(leftOut(answer)).toEqual(["retrieval.record MAY_BE_STALE", "retrieval.vector OUT_OF_TIME"]);
      await until("nothing runs for the service any more", running, (count) => count === 0, 10_000);
    });
  }, 60_000);

  it("B10: bounds the wait for a connection, and gives every place back", async () => {
    await whileRecordIsLocked(async () => {
      const calls = Array.from({ length: 50 }, (_, each) => cluster.search(`cats ${each}`, { timeoutMs: 15_000 }));
      const ended = await Promise.allSettled(calls);
      const answers = ended.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      // Who got no place among so many at the projection either is told so in the same words as ever.
      const reasons = ended.flatMap((each) => (each.status === "rejected" ? [reasonOf(each.reason)] : []));
      expect(reasons.every((reason) => reason === "ALL_SOURCES_FAILED")).toBe(true);
      expect(answers.length).toBeGreaterThan(0);
      for (const answer of answers) expect(leftOut(answer)).toContain("retrieval.record MAY_BE_STALE");
    });
    const waiting = async () =>
      (await cluster.service.instance.getInstanceReport({})).status!.pools.reduce(
        (sum, pool) => sum + pool.waitingCount,
        0,
      );
    await until("nobody waits for a connection", waiting, (count) => count === 0);
  }, 60_000);

  it("B11: survives that its connections are ended", async () => {
    const ended = async () => {
      await cluster.owner.transaction({ signal: new AbortController().signal }, (transaction) =>
        transaction.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
           AND application_name LIKE 'quartet-retrieval%'`,
        ),
      );
    };
    // Idle ones, and then such as are in use.
    await cluster.search("cats");
    await ended();
    expect(idsOf(await cluster.search("cats purr"))[0]).toBe("cats");
    let going = true;
    let count = 0;
    let lacking = 0;
    const load = Array.from({ length: 4 }, async (_, lane) => {
      while (going) {
        const answer = await cluster.search(`cats purr ${lane} ${count}`);
        count += 1;
        if (answer.failures.length > 0) lacking += 1;
        expect(idsOf(answer)[0]).toBe("cats");
      }
    });
    await sleep(300);
    await ended();
    await sleep(300);
    going = false;
    await Promise.all(load);
    // One call for each connection there may be.
    expect(lacking).toBeLessThanOrEqual(4);
  }, 60_000);

  it("B12: ends both legs when the caller leaves", async () => {
    await cluster.index.set({ kind: "hang" });
    await whileRecordIsLocked(async () => {
      const callers = Array.from({ length: 10 }, () => new AbortController());
      const calls = callers.map(({ signal }, each) => errorOf(cluster.search(`cats ${each}`, { signal })));
      await until("the record is asked", running, (count) => count > 0);
      for (const caller of callers) caller.abort();
      for (const error of await Promise.all(calls)) expect(error.code).toBe(Code.Canceled);
      await until("nothing runs for the service any more", running, (count) => count === 0, 10_000);
    });
    // Callers who leave say nothing about the stores.
    await cluster.index.set({ kind: "pass" });
    expect(leftOut(await cluster.search("cats purr"))).toEqual([]);
  }, 60_000);

  it("B14: gives the same order again and again, and no passage twice", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => cluster.search("the day and night")));
    const orders = new Set(
      answers.map((answer) => answer.passages.map((each) => `${each.documentId} ${each.ordinal}`).join()),
    );
    expect(orders.size).toBe(1);
    const [order] = [...orders].map((each) => each.split(","));
    expect(new Set(order).size).toBe(order!.length);
  }, 60_000);

  it("holds no more after all faults than before them", async () => {
    const { service } = cluster;
    await searchMany(50);
    // Each pool keeps what it may, and closes the rest once it is idle; a call that asks has a connection of its own.
    const mostHandles = before.handles + 8;
    await until(
      "handles are given back",
      () => service.handleCount(),
      (count) => count <= mostHandles,
      60_000,
    );
    const mostBytes = before.heldBytes + 10 * 1024 ** 2;
    await until("memory is given back", heldBytes, (bytes) => bytes <= mostBytes, 60_000);
    const mostResident = before.residentBytes + 100 * 1024 ** 2;
    await until("pages are given back", service.residentBytes, (bytes) => bytes <= mostResident, 60_000);
  }, 150_000);
});
