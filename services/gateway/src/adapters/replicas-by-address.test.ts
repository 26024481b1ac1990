import { Code, createRouterTransport } from "@connectrpc/connect";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import { quartetError } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { createReplicasByAddress } from "./replicas-by-address.ts";

const signal = new AbortController().signal;

function setUp(addresses: Record<string, string>) {
  const names = new Map([
    ["retrieval", ["10.0.0.1", "10.0.0.2"]],
    ["10.9.9.9", ["10.9.9.9"]],
    ["::1", ["::1"]],
  ]);
  const dialled: [target: string, serverName: string][] = [];
  const closed: string[] = [];
  const replicas = createReplicasByAddress({
    addresses,
    resolve: async (host) => names.get(host) ?? Promise.reject(new Error("no such host")),
    dial(target, serverName) {
      dialled.push([target, serverName]);
      const transport = createRouterTransport(({ service }) => {
        service(InstanceService, {
          getInstanceReport() {
            if (target.startsWith("10.0.0.2")) {
              throw quartetError({ code: Code.Unavailable, reason: "DRAINING", message: "no" });
            }
            return { status: { instances: [{ service: "retrieval", instance: target }] } };
          },
        });
      });
      return { ...transport, close: () => void closed.push(target) };
    },
  });
  return { replicas, names, dialled, closed };
}

describe("the replicas behind addresses", () => {
  it("are all that the names stand for, each with a connection of its own that is kept", async () => {
    const { replicas, dialled } = setUp({ retrieval: "dns:///retrieval:50052", embedding: "10.9.9.9:1, [::1]:2" });
    const first = await replicas.list(signal);
    expect(first.map(({ service }) => service)).toEqual(["retrieval", "retrieval", "embedding", "embedding"]);
    expect(dialled).toEqual(
      expect.arrayContaining([
        ["10.0.0.1:50052", "retrieval"],
        ["10.0.0.2:50052", "retrieval"],
        ["10.9.9.9:1", "10.9.9.9"],
        ["[::1]:2", "::1"],
      ]),
    );
    expect((await first[0]!.report("default", signal)).instances[0]?.instance).toBe("10.0.0.1:50052");
    await expect(first[1]!.report("default", signal)).rejects.toThrow();
    await replicas.list(signal);
    expect(dialled).toHaveLength(4);
  });

  it("that are gone are let go, and those of a name that cannot be resolved are missing", async () => {
    const { replicas, names, closed } = setUp({ retrieval: "retrieval:50052" });
    await replicas.list(signal);
    names.set("retrieval", ["10.0.0.1"]);
    await replicas.list(signal);
    expect(closed).toEqual(["10.0.0.2:50052"]);
    names.delete("retrieval");
    const [missing, ...rest] = await replicas.list(signal);
    expect([missing?.service, rest]).toEqual(["retrieval", []]);
    await expect(missing!.report("default", signal)).rejects.toThrow();
    expect(closed).toEqual(["10.0.0.2:50052"]);
    replicas.close();
    expect(closed).toEqual(["10.0.0.2:50052", "10.0.0.1:50052"]);
  });
});
