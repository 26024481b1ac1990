import { describe, expect, it } from "@jest/globals";
import { migrate } from "@quartet/postgres";
import { describeWithStores } from "@quartet/testing/jest";
import { until } from "@quartet/testing";
import { schema } from "../../src/adapters/postgres/schema.ts";
import { type RandomOperationsReport, runRandomOperations } from "./random-operations.ts";
import { type Replica, startReplica } from "./replica.ts";

const operations = 10_000;

const tell = (stores: string, { stale, ...counts }: RandomOperationsReport) =>
  void process.stdout.write(`${stores}: ${JSON.stringify({ ...counts, stale: stale.length })}\n`);

describe("ten thousand operations on stores in one process", () => {
  it("find no stale answer", async () => {
    const replica = await startReplica({});
    const report = await runRandomOperations({ replicas: [replica], operations, changeEvery: 200, seed: 1 });
    await replica.close();
    tell("embedded", report);
    expect(report.stale).toEqual([]);
    expect(report.cached).toBeGreaterThan(report.searches / 4);
  }, 600_000);
});

describeWithStores(
  "ten thousand operations on two replicas",
  ["postgres", "elasticsearch", "redis"],
  ({ postgres, elasticsearch, redis }) => {
    it("find no stale answer", async () => {
      await using database = await postgres.createDatabase();
      await migrate({ url: database.url, schema, signal: new AbortController().signal });
      await using indexes = elasticsearch.createPrefix();
      await using keys = redis.createPrefix();
      const environment = {
        DATABASE_URL: database.url,
        ELASTICSEARCH_URL: elasticsearch.url,
        QUARTET_ELASTICSEARCH_PREFIX: indexes.prefix.replace(/-$/, ""),
        QUARTET_ELASTICSEARCH_REPLICAS: "0",
        REDIS_URL: redis.url,
        QUARTET_REDIS_KEY_PREFIX: keys.prefix,
      };
      const replicas: [Replica, ...Replica[]] = [await startReplica(environment), await startReplica(environment)];
      for (const replica of replicas) await until(() => replica.isUp());
      const report = await runRandomOperations({ replicas, operations, changeEvery: 500, seed: 2 });
      for (const replica of replicas) await replica.close();
      tell("PostgreSQL, Elasticsearch and Redis", report);
      expect(report.stale).toEqual([]);
      expect(report.cached).toBeGreaterThan(report.searches / 4);
    }, 600_000);
  },
);
