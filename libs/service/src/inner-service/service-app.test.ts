import { readFile } from "node:fs/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "@jest/globals";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "@quartet/contracts/grpc/health/v1/health";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import { CacheLevel } from "@quartet/contracts/type/v1/stats";
import {
  cacheLevels,
  type CacheSelection,
  createClient,
  createGrpcTransport,
  type GrpcTransport,
  type ServiceModule,
} from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { version } from "../version.ts";
import { watchFigures } from "./figure-gauges.ts";
import { createServiceApp } from "./service-app.ts";

const pool = { name: "postgres", size: 3, maxSize: 10, idleCount: 1, waitingCount: 2, waitP95Ms: 1.5 };
const queue = {
  name: "outbox",
  waitingCount: 7,
  runningCount: 1,
  doneCount: 5,
  deadLetterCount: 0,
  oldestAgeMs: 2_000,
};
const cache = {
  level: "search-results",
  hits: 70,
  misses: 30,
  coalesced: 4,
  bypasses: 1,
  evictions: 2,
  invalidations: 3,
  entries: 25,
  bytes: 5_000,
  oldestAgeMs: 60_000,
} as const;
const signal = new AbortController().signal;

const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(module: Partial<ServiceModule>): Promise<GrpcTransport> {
  let port = 0;
  const log = createLogger({
    service: "test",
    destination: { write: (line: string) => void (port = (JSON.parse(line) as { port?: number }).port ?? port) },
  });
  const config = {
    port: 0,
    host: "127.0.0.1",
    logLevel: "info",
    trustNetwork: false,
    tlsCertificate: undefined,
    tlsPrivateKey: undefined,
    tlsAuthority: undefined,
  } as const;
  const app = createServiceApp({ name: "test", config, log, createModule: () => ({ routes: () => {}, ...module }) });
  await app.start(signal);
  endings.push(() => app.stop(signal));
  const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
  endings.push(() => transport.close());
  return transport;
}

describe("an inner service as a process", () => {
  it("reports its figures over gRPC", async () => {
    const client = createClient(
      InstanceService,
      await serve({ figures: async () => ({ pools: [pool], queues: [queue] }) }),
    );
    const { status } = await client.getInstanceReport({});
    expect(status).toMatchObject({
      degradations: [],
      instances: [{ service: "test", version, ready: true, shedding: false }],
      pools: [{ name: "postgres", size: 3, maxSize: 10, idleCount: 1, waitingCount: 2 }],
      queues: [{ name: "outbox", waitingCount: 7n, oldestAge: { seconds: 2n } }],
    });
    const [instance] = status!.instances;
    expect(instance!.instance).toMatch(/-\d+$/);
    expect(instance!.residentByteCount).toBeGreaterThan(1_000_000n);
    expect(instance!.memoryRatio).toBeGreaterThan(0);
    expect(instance!.cpuRatio).toBeLessThanOrEqual(1);
  });

  it("reports its caches, and empties what a tenant selects", async () => {
    const asked: CacheSelection[] = [];
    const invalidateCache = async (selection: CacheSelection) => {
      asked.push(selection);
      return selection.level === "embeddings" ? 2 : 1;
    };
    const client = createClient(
      InstanceService,
      await serve({ figures: async () => ({ caches: [cache] }), invalidateCache }),
    );
    const { status } = await client.getInstanceReport({});
    expect(status?.caches).toMatchObject([
      {
        level: CacheLevel.SEARCH_RESULTS,
        hitCount: 70n,
        missCount: 30n,
        byteCount: 5_000n,
        oldestAge: { seconds: 60n },
      },
    ]);
    const levels = [CacheLevel.EMBEDDINGS, CacheLevel.DOCUMENTS];
    const { removedCount } = await client.invalidateInstanceCache({ selector: { levels, keyPattern: "a*" } });
    expect(removedCount).toBe(3n);
    expect(asked).toEqual([
      { tenant: "default", level: "embeddings", keyPattern: "a*" },
      { tenant: "default", level: "documents", keyPattern: "a*" },
    ]);
    await client.invalidateInstanceCache({ selector: {} });
    expect(asked.slice(2).map(({ level }) => level)).toEqual([...cacheLevels]);
  });

  it("says so where shared entries could not be emptied, and nothing of where they are", async () => {
    const invalidateCache = () => Promise.reject(new Error("redis://secret-host"));
    const client = createClient(InstanceService, await serve({ invalidateCache }));
    const error = await client.invalidateInstanceCache({ selector: {} }).catch(ConnectError.from);
    expect(error).toMatchObject({ code: Code.Unavailable });
    expect(String(error)).not.toContain("secret-host");
  });

  it("reports itself although its stores cannot be asked, and says what is missing", async () => {
    const client = createClient(
      InstanceService,
      await serve({ figures: () => Promise.reject(new Error("secret-host")) }),
    );
    const { status } = await client.getInstanceReport({});
    expect(status!.instances).toHaveLength(1);
    expect(status!.degradations).toMatchObject([{ hop: "test", reason: "UPSTREAM_FAILED" }]);
    expect(JSON.stringify(status!.degradations)).not.toContain("secret-host");
  });

  it("reports what it has where a store cannot be asked for the rest", async () => {
    const client = createClient(
      InstanceService,
      await serve({ figures: async () => ({ pools: [pool], incomplete: true }) }),
    );
    const { status } = await client.getInstanceReport({});
    expect(status!.pools).toHaveLength(1);
    expect(status!.degradations).toHaveLength(1);
  });

  it("is serving when its module says so, and while it does", async () => {
    let tell: (ready: boolean) => void = () => {};
    let watching = true;
    const transport = await serve({
      watchReady(listener) {
        tell = listener;
        listener(false);
        return () => void (watching = false);
      },
    });
    const health = createClient(Health, transport);
    const instance = createClient(InstanceService, transport);
    expect((await health.check({})).status).toBe(Serving.NOT_SERVING);
    expect((await instance.getInstanceReport({})).status!.instances[0]!.ready).toBe(false);
    tell(true);
    expect((await health.check({})).status).toBe(Serving.SERVING);
    expect((await instance.getInstanceReport({})).status!.instances[0]!.ready).toBe(true);
    tell(false);
    expect((await health.check({})).status).toBe(Serving.NOT_SERVING);
    await endings.shift()!();
    expect(watching).toBe(false);
  });
});

describe("the gauges", () => {
  it("carry the same figures", async () => {
    const metrics = createMetrics({ component: "test", processMetrics: false });
    const asked = Promise.withResolvers<void>();
    const stop = watchFigures(async () => {
      asked.resolve();
      return { pools: [pool], queues: [queue], caches: [cache] };
    }, metrics);
    await asked.promise;
    await Promise.resolve();
    const { text } = await metrics.exposition();
    stop();
    expect(text).toContain('quartet_pool_waiting{pool="postgres",component="test"} 2');
    expect(text).toContain('quartet_queue_oldest_age_seconds{queue="outbox",component="test"} 2');
    expect(text).toContain('quartet_cache_lookups_total{level="search-results",outcome="hit",component="test"} 70');
    expect(text).toContain(
      'quartet_cache_removals_total{level="search-results",reason="invalidated",component="test"} 3',
    );
    expect(text).toContain('quartet_cache_entries{level="search-results",component="test"} 25');
  });
});

it("is of the version that the package says", async () => {
  const manifest = await readFile(new URL("../../../../package.json", import.meta.url), "utf8");
  expect((JSON.parse(manifest) as { version: string }).version).toBe(version);
});
