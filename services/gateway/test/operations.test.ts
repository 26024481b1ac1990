import { Code } from "@connectrpc/connect";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import { quartetError, reasonOf, violationsOf } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { createInMemoryTransport, type Routes } from "@quartet/rpc";
import type { Transports } from "../src/hops/hops.ts";
import { createFakeServices, hang } from "./fakes.ts";
import { failure } from "./failure.ts";
import { openInMemory } from "./open-gateway.ts";

type Rebuild = (signal: AbortSignal) => AsyncIterable<{ doneCount: bigint; totalCount: bigint }>;

/** Inner services of which some tell their figures, and an index that is rebuilt as a test says. */
function reach({
  silent = [],
  rebuild,
  isRecordAway = false,
}: {
  silent?: readonly string[];
  rebuild?: Rebuild;
  isRecordAway?: boolean;
} = {}): Transports {
  const { routes } = createFakeServices();
  const open = (service: string) => {
    const own: Routes = (add) => {
      routes(add);
      add(InstanceService, {
        async getInstanceReport() {
          if (silent.includes(service))
            throw quartetError({ code: Code.Unavailable, reason: "DRAINING", message: "no" });
          const queues = service === "retrieval" ? [{ name: "outbox", waitingCount: 7n }] : [];
          return { status: { instances: [{ service, instance: `${service}-1`, ready: true }], queues } };
        },
      });
      if (isRecordAway) {
        add(IndexService, {
          listCollections() {
            throw quartetError({ code: Code.Unavailable, reason: "UPSTREAM_FAILED", message: "The record is away." });
          },
        });
      }
      if (rebuild) add(IndexService, { rebuildIndex: (_request, { signal }) => rebuild(signal) });
    };
    return createInMemoryTransport(own);
  };
  return {
    embedding: open("embedding"),
    retrieval: open("retrieval"),
    compression: open("compression"),
    generation: open("generation"),
  };
}

const open = (options: Parameters<typeof reach>[0] = {}) => openInMemory({}, { transports: reach(options) });

describe("the platform's status", () => {
  it("is of every process that is known of, and of this one", async () => {
    await using gateway = await open();
    const { status } = await gateway.operations.getPlatformStatus({});
    const services = ["compression", "embedding", "gateway", "generation", "retrieval"];
    expect(status?.instances.map(({ service }) => service)).toEqual(services);
    expect([status?.queues[0]?.waitingCount, status?.degradations]).toEqual([7n, []]);
  });

  it("names the services whose replicas do not tell, and shows the others", async () => {
    await using gateway = await open({ silent: ["embedding", "generation"] });
    const { status } = await gateway.operations.getPlatformStatus({});
    expect(status?.degradations.map(({ hop, reason }) => `${hop} ${reason}`)).toEqual([
      "embedding REPLICAS_MISSING",
      "generation REPLICAS_MISSING",
    ]);
    expect(status?.instances.map(({ service }) => service)).toEqual(["compression", "gateway", "retrieval"]);
  });

  it("says that it does not know what is refused, where the record is away", async () => {
    await using gateway = await open({ isRecordAway: true });
    const { status } = await gateway.operations.getPlatformStatus({});
    expect(status?.degradations.map(({ hop, reason }) => [hop, reason])).toEqual([["retrieval", "UPSTREAM_FAILED"]]);
    expect(status?.instances).toHaveLength(5);
  });

  it("is of the parts that are asked for, and always says what is missing", async () => {
    await using gateway = await open({ silent: ["embedding"] });
    const { status } = await gateway.operations.getPlatformStatus({ readMask: { paths: ["queues"] } });
    expect([status?.instances.length, status?.queues.length, status?.degradations.length]).toEqual([0, 1, 1]);
    const error = await failure(gateway.operations.getPlatformStatus({ readMask: { paths: ["locks"] } }));
    expect([error.code, violationsOf(error)[0]?.field]).toEqual([Code.InvalidArgument, "read_mask"]);
  });
});

describe("rebuilding the index", () => {
  it("hands on how far it has come", async () => {
    await using gateway = await open({
      async *rebuild() {
        yield { doneCount: 0n, totalCount: 2n };
        yield { doneCount: 2n, totalCount: 2n };
      },
    });
    const seen: bigint[] = [];
    for await (const { doneCount } of gateway.operations.rebuildIndex({})) seen.push(doneCount);
    expect(seen).toEqual([0n, 2n]);
  });

  it("stops when its caller leaves", async () => {
    const stopped = Promise.withResolvers<void>();
    await using gateway = await open({
      async *rebuild(signal) {
        signal.addEventListener("abort", () => stopped.resolve());
        yield { doneCount: 0n, totalCount: 2n };
        await hang(signal);
      },
    });
    for await (const _ of gateway.operations.rebuildIndex({})) break;
    await stopped.promise;
  });

  it("is not there where the keyword index is part of the record, and says so", async () => {
    await using gateway = await open();
    const error = await failure(gateway.operations.rebuildIndex({}).next());
    expect([error.code, reasonOf(error)]).toEqual([Code.Unimplemented, "NOT_ENABLED"]);
  });

  it("that fails ends with why", async () => {
    await using gateway = await open({
      async *rebuild() {
        yield { doneCount: 0n, totalCount: 2n };
        throw quartetError({ code: Code.Unavailable, reason: "UPSTREAM_FAILED", message: "The index is away." });
      },
    });
    const all = async () => {
      for await (const _ of gateway.operations.rebuildIndex({})) void _;
    };
    const error = await failure(all());
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "UPSTREAM_FAILED"]);
  });
});
