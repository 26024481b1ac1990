import { describe, expect, it } from "@jest/globals";
import { HealthCheckResponse_ServingStatus as Serving } from "@quartet/contracts/grpc/health/v1/health";
import { reasonOf } from "@quartet/errors";
import { describeWithStores } from "@quartet/testing/jest";
import { errorOf, openCluster, sample } from "./cluster.ts";
import { startRetrieval, until } from "./retrieval-process.ts";

describe("a start with stores that are nowhere", () => {
  it("D13: is up, not ready, and answers with a reason", async () => {
    await using service = await startRetrieval({
      DATABASE_URL: "postgresql://me:canary-password@127.0.0.1:1/quartet",
      ELASTICSEARCH_URL: "http://me:canary-password@127.0.0.1:1",
    });
    expect((await service.health.check({})).status).toBe(Serving.NOT_SERVING);
    const search = await errorOf(service.retrieval.searchPassages({ query: "cats" }, { timeoutMs: 20_000 }));
    expect(reasonOf(search)).toBe("ALL_SOURCES_FAILED");
    const put = await service.documents
      .putDocuments({ documents: [{ id: "x", text: "x" }] })
      .catch((error: unknown) => error);
    expect(reasonOf(put)).toBe("UPSTREAM_FAILED");
    const { status } = await service.instance.getInstanceReport({});
    expect(status!.instances[0]!.ready).toBe(false);
    expect(service.isAlive()).toBe(true);
    expect(service.output()).not.toContain("canary");
    expect(await service.stop("SIGTERM")).toBe(0);
  }, 60_000);
});

describeWithStores("a start with genuine stores", ["postgres", "elasticsearch"], (stores) => {
  it("becomes ready by itself when the stores come up", async () => {
    await using cluster = await openCluster(stores);
    await cluster.heal();
    await cluster.put(sample);
    await cluster.service.stop("SIGTERM");
    await cluster.record.set({ kind: "refuse" });
    await cluster.index.set({ kind: "refuse" });
    await cluster.service.start();
    expect((await cluster.service.health.check({})).status).toBe(Serving.NOT_SERVING);
    // The projection alone is enough to answer.
    await cluster.index.set({ kind: "pass" });
    const ready = async () => (await cluster.service.health.check({})).status;
    await until("ready by the projection", ready, (status) => status === Serving.SERVING);
    expect((await cluster.search("purr")).passages[0]).toMatchObject({ documentId: "cats" });
    await cluster.heal();
    expect(await cluster.service.stop("SIGTERM")).toBe(0);
  }, 120_000);

  it("ends with one line where the database is not migrated", async () => {
    await using database = await stores.postgres.createDatabase();
    const environment = { DATABASE_URL: database.url, ELASTICSEARCH_URL: stores.elasticsearch.url };
    const error = await startRetrieval(environment).catch((thrown: unknown) => thrown as Error);
    expect(String(error)).toContain("Run `npm run migrate`, then start again.");
    expect(String(error)).not.toMatch(/\n\s+at /);
  }, 60_000);
});
