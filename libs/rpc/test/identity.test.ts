import { createConnectTransport } from "@connectrpc/connect-node";
import { createContextValues, type HandlerContext, type Transport } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "@jest/globals";
import { reasonOf } from "@quartet/errors";
import { createLogger, createMetrics } from "@quartet/telemetry";
import {
  createClient,
  createGrpcTransport,
  createInMemoryTransport,
  createOnePortServer,
  createRpcServer,
  forward,
  principalKey,
  principalOf,
  requestIdKey,
  requestIdOf,
} from "../src/index.ts";
import { createEchoHandlers, createProbe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const spoofed = { "quartet-tenant": "other", "quartet-roles": "admin" };

/** An inner service that keeps the contexts of its calls, over each transport that reaches one. */
const inner = {
  "in memory": async (seen: HandlerContext[]): Promise<Transport> =>
    createInMemoryTransport((add) => add(EchoService, remembering(seen))),
  "grpc-js": async (seen: HandlerContext[]): Promise<Transport> => {
    const server = createRpcServer().add(EchoService, remembering(seen));
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    open.push(
      () => server.drain({ limitMs: 300 }),
      () => transport.close(),
    );
    return transport;
  },
};

const remembering = (seen: HandlerContext[]) => ({
  echo(_request: unknown, context: HandlerContext) {
    seen.push(context);
    return {};
  },
});

describe("the border", () => {
  it("takes no word from outside about tenant and roles", async () => {
    const seen: HandlerContext[] = [];
    const server = createOnePortServer().add(EchoService, remembering(seen));
    const { port } = await server.listen({ port: 0 });
    open.push(() => server.drain({ limitMs: 300 }));
    const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" });
    await createClient(EchoService, transport).echo({}, { headers: spoofed });
    expect(principalOf(seen[0]!)).toEqual({ tenant: "default", roles: [] });
    expect(seen[0]?.requestHeader.has("quartet-tenant")).toBe(false);
  });

  it("replaces a request id that is none", async () => {
    const seen: HandlerContext[] = [];
    const transport = createInMemoryTransport((add) => add(EchoService, remembering(seen)));
    await createClient(EchoService, transport).echo({}, { headers: { "x-request-id": "a b{}" } });
    expect(requestIdOf(seen[0]!)).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe.each(Object.keys(inner) as (keyof typeof inner)[])("an inner service, %s", (name) => {
  it("sees the principal, the request id and the time left of the call it serves", async () => {
    const seen: HandlerContext[] = [];
    const hop = createClient(EchoService, await inner[name](seen));
    const outer = createInMemoryTransport((add) =>
      add(EchoService, {
        echo: async (_request, context) => await hop.echo({}, forward(context, { timeoutMs: 60_000 })),
      }),
    );
    const contextValues = createContextValues()
      .set(principalKey, { tenant: "고객-1", roles: ["editor"] })
      .set(requestIdKey, "r-1");
    await createClient(EchoService, outer).echo({}, { contextValues, timeoutMs: 700 });
    expect(principalOf(seen[0]!)).toEqual({ tenant: "고객-1", roles: ["editor"] });
    expect(requestIdOf(seen[0]!)).toBe("r-1");
    expect(seen[0]?.timeoutMs()).toBeLessThanOrEqual(700);
  });
});

describe("an inner service", () => {
  it("refuses a caller that names no tenant", async () => {
    const server = createRpcServer().add(EchoService, createEchoHandlers(createProbe()));
    const { port } = await server.listen({ port: 0 });
    open.push(() => server.drain({ limitMs: 300 }));
    const { createGrpcTransport: foreign } = await import("@connectrpc/connect-node");
    const transport = foreign({ baseUrl: `http://127.0.0.1:${port}` });
    const error = await createClient(EchoService, transport)
      .echo({})
      .catch((reason: unknown) => reason);
    expect(reasonOf(error)).toBe("CREDENTIAL_INVALID");
  });
});

describe("telemetry", () => {
  it("counts both sides, and logs an error once, with its cause and without its text leaving", async () => {
    const metrics = createMetrics({ component: "test", processMetrics: false });
    const lines: string[] = [];
    const logger = createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } });
    const server = createRpcServer({ metrics, logger }).add(EchoService, createEchoHandlers(createProbe()));
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}`, metrics });
    open.push(
      () => server.drain({ limitMs: 300 }),
      () => transport.close(),
    );
    const client = createClient(EchoService, transport);
    await client.echo({});
    await client.echo({ behaviour: "throw plain" }).catch(() => undefined);
    for await (const _ of client.count({ count: 1000 })) break;
    // The server hears of the end some time after the client has left.
    let { text } = await metrics.exposition();
    for (const end = performance.now() + 10_000; performance.now() < end;) {
      if (/rpc_server_handled_total\{.*method="Count".*\} 1/.test(text)) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
      ({ text } = await metrics.exposition());
    }
    for (const side of ["server", "client"]) {
      expect(text).toMatch(new RegExp(`rpc_${side}_handled_total\\{.*method="Echo".*code="ok".*\\} 1`));
      expect(text).toMatch(new RegExp(`rpc_${side}_handled_total\\{.*method="Echo".*code="internal".*\\} 1`));
      expect(text).toMatch(new RegExp(`rpc_${side}_handled_total\\{.*method="Count".*code="canceled".*\\} 1`));
      expect(text).toMatch(new RegExp(`rpc_${side}_in_flight\\{.*method="Count".*\\} 0`));
    }
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: "error",
      code: "internal",
      reason: "INTERNAL",
      err: { type: "TypeError" },
    });
    expect(lines[0]).not.toContain("hunter2");
  });
});
