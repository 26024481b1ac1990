import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import { CacheSelectorSchema } from "@quartet/contracts/type/v1/operations";
import { CacheUse, LegKind, LegStatus } from "@quartet/contracts/type/v1/search";
import { CacheLevel } from "@quartet/contracts/type/v1/stats";
import { quartetError, reasonOf, violationsOf } from "@quartet/errors";
import { createInMemoryTransport, principalOf, type Routes } from "@quartet/rpc";
import { until } from "@quartet/testing";
import { createCacheInvalidation } from "../src/cache-invalidation.ts";
import { requiredRole } from "../src/handlers/required-roles.ts";
import { replicaAt } from "../src/hops/replicas.ts";
import { createFakeServices, hang, passages } from "./fakes.ts";
import { failure } from "./failure.ts";
import { openInMemory } from "./open-gateway.ts";

const signal = new AbortController().signal;

/** A process of a service whose caches can be emptied, or cannot. */
function createReplica(service: string, name: string) {
  const asked: string[] = [];
  const state = { isThere: true, entries: 3n };
  const routes: Routes = (add) => {
    createFakeServices().routes(add);
    add(InstanceService, {
      async getInstanceReport() {
        const caches = [{ level: CacheLevel.SEARCH_RESULTS, hitCount: 5n, oldestAge: { seconds: 7n } }];
        return { status: { instances: [{ service, instance: name, ready: true }], caches } };
      },
      async invalidateInstanceCache({ selector }, context) {
        asked.push(`${principalOf(context).tenant} ${selector?.keyPattern ?? ""} ${selector?.levels.join() ?? ""}`);
        if (!state.isThere) throw quartetError({ code: Code.Unavailable, reason: "UPSTREAM_FAILED", message: "no" });
        const removedCount = state.entries;
        state.entries = 0n;
        return { removedCount };
      },
    });
  };
  const transport = createInMemoryTransport(routes);
  return { asked, state, transport, replica: replicaAt(service, name, transport) };
}

const selectorOf = (keyPattern: string) => create(CacheSelectorSchema, { keyPattern });

describe("emptying caches", () => {
  it("is done by every process, for the tenant that asks", async () => {
    const [one, two] = [createReplica("embedding", "e"), createReplica("retrieval", "r")];
    const { asked: first } = one;
    await using gateway = await openInMemory(
      {},
      {
        transports: {
          embedding: one.transport,
          retrieval: two.transport,
          compression: one.transport,
          generation: one.transport,
        },
      },
    );
    const selector = { levels: [CacheLevel.SEARCH_RESULTS], keyPattern: "규정@*" };
    const { removedCount, degradations } = await gateway.operations.invalidateCache({ selector });
    expect([removedCount, degradations]).toEqual([6n, []]);
    expect([...first, ...two.asked]).toEqual(Array(4).fill("default 규정@* 2"));
    const { status } = await gateway.operations.getPlatformStatus({ readMask: { paths: ["caches"] } });
    expect([status?.instances, status?.caches]).toMatchObject([
      [],
      [{ level: CacheLevel.SEARCH_RESULTS, hitCount: 10n, oldestAge: { seconds: 7n } }],
    ]);
  });

  it("is made up for by those that could not be reached, once they can", async () => {
    const [one, two] = [createReplica("retrieval", "r-1"), createReplica("retrieval", "r-2")];
    const list = [one.replica, two.replica];
    const invalidation = createCacheInvalidation({ list: async () => list }, { everyMs: 2 });
    two.state.isThere = false;
    const { removed, missed } = await invalidation.invalidate("a", selectorOf("x*"), signal);
    expect([removed, missed]).toEqual([3n, [{ service: "retrieval", silent: 1, all: 2 }]]);
    await until(() => two.asked.length > 2);
    two.state.isThere = true;
    await until(() => two.state.entries === 0n);
    expect(one.asked).toEqual(["a x* "]);
    invalidation.close();
  });

  it("is not given up for a process while its service cannot be found", async () => {
    const away = createReplica("retrieval", "retrieval r-1");
    let isKnown = true;
    let unknownCount = 0;
    const refuse = () => Promise.reject(new Error("no address"));
    const nobody = { service: "retrieval", name: "retrieval", report: refuse, invalidate: refuse };
    const list = async () => {
      if (!isKnown) unknownCount += 1;
      return [isKnown ? away.replica : nobody];
    };
    const invalidation = createCacheInvalidation({ list }, { everyMs: 2 });
    away.state.isThere = false;
    await invalidation.invalidate("a", selectorOf("x*"), signal);
    isKnown = false;
    await until(() => unknownCount > 2);
    away.state.isThere = true;
    isKnown = true;
    await until(() => away.state.entries === 0n);
    invalidation.close();
  });

  it("is done with for a process that is there no more, and asked of all behind a name that stood for nobody", async () => {
    const [gone, come] = [createReplica("retrieval", "r-1"), createReplica("retrieval", "r-2")];
    const nobody = { ...come.replica, name: "retrieval", invalidate: () => Promise.reject(new Error("no address")) };
    let list = [gone.replica, nobody];
    gone.state.isThere = false;
    const invalidation = createCacheInvalidation({ list: async () => list }, { everyMs: 2 });
    await invalidation.invalidate("a", selectorOf("x*"), signal);
    list = [come.replica];
    await until(() => come.asked.length === 1);
    const before = gone.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([gone.asked.length, come.asked]).toEqual([before, ["a x* "]]);
    invalidation.close();
  });

  it("says how many replicas of which service did not do it", async () => {
    const [one, two] = [createReplica("embedding", "e"), createReplica("retrieval", "r")];
    two.state.isThere = false;
    await using gateway = await openInMemory(
      {},
      {
        transports: {
          embedding: one.transport,
          retrieval: two.transport,
          compression: one.transport,
          generation: one.transport,
        },
      },
    );
    const { degradations } = await gateway.operations.invalidateCache({ selector: {} });
    expect(degradations.map(({ hop, reason }) => `${hop} ${reason}`)).toEqual(["retrieval REPLICAS_MISSING"]);
  });

  it("wants a selector, and the role admin", async () => {
    await using gateway = await openInMemory();
    const error = await failure(gateway.operations.invalidateCache({}));
    expect([error.code, violationsOf(error)[0]?.field]).toEqual([Code.InvalidArgument, "selector"]);
    const { invalidateCache, warmCache } = OperationsService.method;
    expect([requiredRole(invalidateCache), requiredRole(warmCache)]).toEqual(["admin", "admin"]);
  });
});

describe("warming", () => {
  const told = async (stream: AsyncIterable<{ doneCount: number; failedCount: number; totalCount: number }>) => {
    let last = { doneCount: -1, failedCount: -1, totalCount: -1 };
    for await (const { doneCount, failedCount, totalCount } of stream) last = { doneCount, failedCount, totalCount };
    return last;
  };

  it("runs the queries given as answers ask for them, and fills without reading", async () => {
    await using gateway = await openInMemory({ QUARTET_PASSAGES: "7" });
    const queries = ["휴가는 며칠?", "refunds", "third"];
    expect(await told(gateway.operations.warmCache({ queries }))).toEqual({
      doneCount: 3,
      failedCount: 0,
      totalCount: 3,
    });
    const asked = gateway.inner.requests.search;
    expect(asked.map(({ query }) => query).sort()).toEqual([...queries].sort());
    expect(asked.every(({ pageSize, options }) => pageSize === 7 && options?.cacheUse === CacheUse.REFRESH)).toBe(true);
    expect(asked.every(({ queryVector }) => queryVector !== undefined)).toBe(true);
  });

  it("runs the most frequent with their options, and does not take itself for a question", async () => {
    await using gateway = await openInMemory();
    const often = { query: "often", pageSize: 3, options: { tags: ["b"] } };
    for (let count = 0; count < 3; count++) await gateway.search.searchPassages(often);
    await gateway.search.searchPassages({ query: "once" });
    await gateway.answers.answerQuestion({ question: "twice" });
    await gateway.answers.answerQuestion({ question: "twice" });
    for (let count = 0; count < 9; count++) {
      await gateway.search.searchPassages({ query: "past the caches", options: { cacheUse: CacheUse.BYPASS } });
    }
    for (let round = 0; round < 4; round++) {
      gateway.inner.requests.search.splice(0);
      expect(await told(gateway.operations.warmCache({ frequentCount: 2 }))).toMatchObject({ totalCount: 2 });
      const asked = gateway.inner.requests.search.map(({ query, pageSize, options }) => [
        query,
        pageSize,
        options?.tags,
      ]);
      expect(asked.sort()).toEqual([
        ["often", 3, ["b"]],
        ["twice", 10, []],
      ]);
    }
  });

  it("counts what failed, and what lacks something and so is not kept", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.search = async ({ query }) => {
      if (query === "fails") throw quartetError({ code: Code.InvalidArgument, reason: "FIELD_INVALID", message: "no" });
      const lacking = { hop: "retrieval.keyword", reason: "UPSTREAM_FAILED", source: "corpus", message: "m" };
      const legs = [{ source: "corpus", leg: LegKind.KEYWORD, status: LegStatus.OK }];
      return { passages, legs, failures: query === "lacks" ? [lacking] : [] };
    };
    const queries = ["fails", "lacks", "fine"];
    expect(await told(gateway.operations.warmCache({ queries }))).toMatchObject({ doneCount: 3, failedCount: 2 });
    expect(await told(gateway.operations.warmCache({}))).toMatchObject({ totalCount: 0 });
  });

  it("stops when its caller leaves", async () => {
    await using gateway = await openInMemory();
    const stopped = Promise.withResolvers<void>();
    gateway.inner.behaviour.search = async (_request, { signal: ended }) => {
      ended.addEventListener("abort", () => stopped.resolve());
      return await hang(ended);
    };
    const stream = gateway.operations.warmCache({ queries: ["a", "b"] });
    await stream.next();
    const second = stream.next().catch(() => undefined);
    await until(() => gateway.inner.calls.includes("search"));
    await stream.return();
    await second;
    await stopped.promise;
  });

  it("names a query that is none", async () => {
    await using gateway = await openInMemory();
    const error = await failure(told(gateway.operations.warmCache({ queries: ["fine", " "] })));
    expect([reasonOf(error), violationsOf(error)[0]?.field]).toEqual(["FIELD_INVALID", "queries[1]"]);
  });
});
