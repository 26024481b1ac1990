import * as http2 from "node:http2";
import { Code, type ConnectError, type HandlerContext } from "@connectrpc/connect";
import { Health } from "@quartet/contracts/grpc/health/v1/health";
import { afterEach, describe, expect, it } from "@jest/globals";
import { quartetError, reasonOf } from "@quartet/errors";
import { createLogger, createMetrics } from "@quartet/telemetry";
import {
  type Authenticate,
  createClient,
  createInMemoryTransport,
  createOnePortServer,
  principalOf,
} from "../src/index.ts";
import { createEchoHandlers, createProbe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";
import { outerWays } from "./ways.ts";

const open: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const canary = "canary-0123456789";

/** Knows one credential; takes a turn of the event loop, as a look-up does. */
const authenticate: Authenticate = async ({ header, method }) => {
  await new Promise(setImmediate);
  if (header.get("authorization") !== `Bearer ${canary}`) {
    throw quartetError({ code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID", message: "Send a credential." });
  }
  return { tenant: "acme", roles: [method.name] };
};

const authorization = { authorization: `Bearer ${canary}` };
const spoofed = { "quartet-tenant": "other", "quartet-roles": "admin", authorization: "Bearer wrong" };

const failure = async (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => Promise.reject(new Error("the call did not fail")),
    (error: unknown) => error as ConnectError,
  );

describe.each(outerWays.map((way) => [way.name, way] as const))("an edge that asks who calls, over %s", (_, way) => {
  const serve = async () => {
    const probe = createProbe();
    const handlers = createEchoHandlers(probe);
    const options = { handlers, maxBytes: 1024 * 1024, maxTimeoutMs: 30_000, authenticate };
    const { transport, close } = await way.open(options);
    open.push(close);
    return { client: createClient(EchoService, transport), probe };
  };

  it("lets the handler see the principal, and not the credential", async () => {
    const { client, probe } = await serve();
    await client.echo({ text: "가" }, { headers: authorization });
    for await (const _ of client.count({ count: 2 }, { headers: authorization })) void _;
    expect(probe.calls.map(principalOf)).toEqual([
      { tenant: "acme", roles: ["Echo"] },
      { tenant: "acme", roles: ["Count"] },
    ]);
    expect(probe.calls.some(({ requestHeader }) => requestHeader.has("authorization"))).toBe(false);
  });

  it("refuses everyone else before any handler, with a reason and a request id", async () => {
    const { client, probe } = await serve();
    for (const headers of [{}, spoofed]) {
      const unary = await failure(client.echo({ text: "x" }, { headers: { ...headers, "x-request-id": "r-7" } }));
      const streaming = await failure(client.count({ count: 1 }, { headers: { ...headers } }).next());
      expect([unary.code, reasonOf(unary), unary.metadata.get("x-request-id")]).toEqual([
        Code.Unauthenticated,
        "CREDENTIAL_INVALID",
        "r-7",
      ]);
      expect([streaming.code, reasonOf(streaming)]).toEqual([Code.Unauthenticated, "CREDENTIAL_INVALID"]);
      expect(streaming.metadata.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(probe.calls).toEqual([]);
  });
});

describe("a look-up that hangs", () => {
  it("does not hold a caller beyond its deadline", async () => {
    const server = createOnePortServer({ authenticate: () => new Promise(() => undefined) });
    server.add(EchoService, createEchoHandlers(createProbe()));
    const { port } = await server.listen({ port: 0 });
    open.push(() => server.drain({ limitMs: 300 }));
    const headers = { "content-type": "application/json", "connect-timeout-ms": "50" };
    const url = `http://127.0.0.1:${port}/${EchoService.typeName}/Echo`;
    const response = await fetch(url, { method: "POST", headers, body: "{}" });
    expect(response.status).toBe(504);
  });
});

describe("a refused call", () => {
  async function serve() {
    const metrics = createMetrics({ component: "test", processMetrics: false });
    const lines: string[] = [];
    const logger = createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } });
    const server = createOnePortServer({ authenticate, metrics, logger });
    server.add(EchoService, createEchoHandlers(createProbe()));
    const { port } = await server.listen({ port: 0 });
    open.push(() => server.drain({ limitMs: 300 }));
    return { url: `http://127.0.0.1:${port}`, lines, text: async () => (await metrics.exposition()).text };
  }
  const path = `/${EchoService.typeName}/Echo`;

  it("is refused for that before anything of its body is read: not as malformed, not as too large", async () => {
    const { url } = await serve();
    for (const body of ["{", "x".repeat(5 * 1024 * 1024)]) {
      const response = await fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([401, "unauthenticated"]);
    }
  });

  it("over HTTP/2 ends although its client goes on sending", async () => {
    const { url } = await serve();
    const session = http2.connect(url);
    open.push(() => session.destroy());
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    stream.on("error", () => undefined);
    stream.write("{");
    const status = await new Promise((resolve) => stream.once("response", (headers) => resolve(headers[":status"])));
    expect(status).toBe(401);
  });

  it("is counted and logged once, without its credential", async () => {
    const { url, lines, text } = await serve();
    const headers = { "content-type": "application/json", authorization: `Bearer wrong-${canary}` };
    await fetch(url + path, { method: "POST", headers, body: "{}" });
    expect(await text()).toMatch(/rpc_server_handled_total\{.*method="Echo".*code="unauthenticated".*\} 1/);
    expect(lines.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual(["CREDENTIAL_INVALID"]);
    expect(lines.join("") + (await text())).not.toContain(canary);
  });

  it("is none where no credential is needed: health and reflection", async () => {
    const { url } = await serve();
    const body = JSON.stringify({ service: EchoService.typeName });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/${Health.typeName}/Check`, { method: "POST", headers, body });
    expect(await response.json()).toEqual({ status: "SERVING" });
  });
});

describe("in memory", () => {
  it("an edge asks as well", async () => {
    const seen: HandlerContext[] = [];
    const echo = (_request: unknown, context: HandlerContext) => {
      seen.push(context);
      return {};
    };
    const transport = createInMemoryTransport((add) => add(EchoService, { echo }), { callers: "edge", authenticate });
    const client = createClient(EchoService, transport);
    expect(reasonOf(await failure(client.echo({}, { headers: spoofed })))).toBe("CREDENTIAL_INVALID");
    await client.echo({}, { headers: authorization });
    expect(seen.map(principalOf)).toEqual([{ tenant: "acme", roles: ["Echo"] }]);
  });

  it("only an edge does: elsewhere, callers say on whose behalf they call", () => {
    expect(() => createInMemoryTransport(() => undefined, { authenticate })).toThrow(TypeError);
  });
});
