import * as http2 from "node:http2";
import * as net from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import { quartetError, reasonOf } from "@quartet/errors";
import { createMetrics } from "@quartet/telemetry";
import {
  createOnePortServer,
  type EndpointCall,
  type HttpEndpoint,
  type OnePortServerOptions,
  principalOf,
  requestIdOf,
} from "../src/index.ts";
import { createEchoHandlers, createProbe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const endpointOf = (more: Partial<HttpEndpoint> = {}): HttpEndpoint => ({
  path: "/api/shout",
  verb: "POST",
  like: EchoService.method.echo,
  consumes: /^application\/json\b/,
  async handle({ response, readBody }) {
    response.end((await readBody({ maxBytes: 100 })).toString().toUpperCase());
  },
  fail({ error, status }, response) {
    if (response.headersSent) return void response.end(`failed: ${reasonOf(error)}`);
    response.statusCode = status;
    response.end(JSON.stringify({ reason: reasonOf(error) }));
  },
  ...more,
});

async function serve(endpoint: HttpEndpoint, options: OnePortServerOptions = {}) {
  const server = createOnePortServer({ endpoints: [endpoint], ...options });
  server.add(EchoService, createEchoHandlers(createProbe()));
  open.push(() => server.drain({ limitMs: 100 }));
  const { port } = await server.listen({ port: 0 });
  return { port, url: `http://127.0.0.1:${port}`, server };
}

const post = (url: string, body = '{"text":"안녕 a"}', headers: Record<string, string> = {}) =>
  fetch(`${url}/api/shout`, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

/** Waits until the endpoint's signal says why. */
const reasonOfEnd = ({ context: { signal } }: EndpointCall) =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(reasonOf(signal.reason)), { once: true }));

describe("an endpoint", () => {
  it("answers over HTTP/1.1 and HTTP/2, with an id for every request", async () => {
    const { url } = await serve(endpointOf());
    const response = await post(url, undefined, { "x-request-id": "mine-1" });
    expect(await response.text()).toBe('{"TEXT":"안녕 A"}');
    expect(response.headers.get("x-request-id")).toBe("mine-1");
    const session = http2.connect(url);
    open.push(() => session.close());
    const stream = session.request({ ":method": "POST", ":path": "/api/shout", "content-type": "application/json" });
    stream.end('{"a":1}');
    expect(String(Buffer.concat(await stream.toArray()))).toBe('{"A":1}');
  });

  it("is counted and named by its path", async () => {
    const metrics = createMetrics({ component: "test", processMetrics: false });
    open.push(() => metrics.close());
    const { url } = await serve(endpointOf(), { metrics });
    await (await post(url)).text();
    const { text } = await metrics.exposition();
    expect(text).toMatch(
      /quartet_rpc_server_handled_total\{.*service="http",method="POST \/api\/shout".*code="ok".*\} 1/,
    );
  });

  it("finds out who calls before it reads a body, as whoever may call the rpc it is like", async () => {
    const seen: string[] = [];
    const { url } = await serve(
      endpointOf({
        handle: async ({ response, context }) =>
          void response.end(`${principalOf(context).tenant} ${requestIdOf(context)}`),
      }),
      {
        authenticate: ({ method, header }) => {
          seen.push(`${method.name} ${header.get("authorization")} ${header.get("quartet-tenant")}`);
          if (header.get("authorization") === "Bearer good") return { tenant: "acme", roles: [] };
          throw quartetError({ code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID", message: "no" });
        },
      },
    );
    const good = { authorization: "Bearer good", "quartet-tenant": "other", "x-request-id": "r-1" };
    expect(await (await post(url, "{}", good)).text()).toBe("acme r-1");
    const refused = await post(url, "{}", { authorization: "Bearer bad" });
    expect([refused.status, await refused.json()]).toEqual([401, { reason: "CREDENTIAL_INVALID" }]);
    expect(refused.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    expect(seen).toEqual(["Echo Bearer good null", "Echo Bearer bad null"]);
  });

  it.each<[string, number, RequestInit]>([
    ["too long", 413, { body: "x".repeat(101) }],
    [
      "too long, of a length that is not told",
      413,
      { body: new Blob(["x".repeat(101)]).stream(), duplex: "half" } as never,
    ],
    ["of another type", 415, { headers: { "content-type": "text/plain" } }],
    ["compressed", 415, { headers: { "content-type": "application/json", "content-encoding": "gzip" } }],
    ["asked for with another verb", 405, { method: "PUT" }],
    [
      "given a time that is none",
      400,
      { headers: { "content-type": "application/json", "connect-timeout-ms": "soon" } },
    ],
  ])("refuses what is %s: %d", async (_what, status, init) => {
    const { url } = await serve(endpointOf());
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/api/shout`, { method: "POST", body: "{}", headers, ...init });
    expect(response.status).toBe(status);
  });

  it("waits for a slow body no longer than its limit", async () => {
    const { port } = await serve(endpointOf(), { requestTimeoutMs: 200 });
    const socket = net.connect(port, "127.0.0.1");
    open.push(() => void socket.destroy());
    socket.write("POST /api/shout HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{");
    const [answer] = (await socket.take(1).toArray()) as Buffer[];
    expect(String(answer)).toMatch(/^HTTP\/1.1 408 /);
  });

  it("leaves requests that it does not accept to an rpc of the same path", async () => {
    const accepts = (request: { readonly headers: { readonly accept?: string | undefined } }) =>
      request.headers.accept === "text/event-stream";
    const aliases = { "/api/shout": `/${EchoService.typeName}/Echo` };
    const { url } = await serve(endpointOf({ accepts }), { aliases });
    expect(await (await post(url, '{"text":"a"}')).json()).toMatchObject({ text: "a" });
    expect(await (await post(url, '{"text":"a"}', { accept: "text/event-stream" })).text()).toBe('{"TEXT":"A"}');
  });
});

describe("the time of an endpoint", () => {
  const hang = (ended: Promise<unknown>[]) => async (call: EndpointCall) => {
    ended.push(reasonOfEnd(call));
    await call.write("begun ");
    await ended[0];
    call.context.signal.throwIfAborted();
  };

  it("is the caller's, or its own default", async () => {
    const times: number[] = [];
    const handle = async ({ context, response }: EndpointCall) => {
      times.push(Math.ceil(context.timeoutMs()! / 1_000));
      response.end();
    };
    const timeoutMsOf = (request: { headers: Record<string, unknown> }) =>
      request.headers["x-mine"] === undefined ? undefined : Number(request.headers["x-mine"]);
    const { url } = await serve(endpointOf({ handle, timeoutMsOf, defaultTimeoutMs: 120_000 }));
    await post(url);
    await post(url, "{}", { "connect-timeout-ms": "7000" });
    await post(url, "{}", { "x-mine": "9000" });
    await post(url, "{}", { "x-mine": "999999999" });
    expect(times).toEqual([120, 7, 9, 300]);
  });

  it("ends it, with a last word", async () => {
    const ended: Promise<unknown>[] = [];
    const { url } = await serve(endpointOf({ handle: hang(ended) }));
    const response = await post(url, "{}", { "connect-timeout-ms": "100" });
    expect(await response.text()).toBe("begun failed: OUT_OF_TIME");
  });

  it("ends when the caller leaves, and when the process does", async () => {
    const ended: Promise<unknown>[] = [];
    const { url, server } = await serve(endpointOf({ handle: hang(ended) }));
    const caller = new AbortController();
    const left = await fetch(`${url}/api/shout`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      signal: caller.signal,
    });
    caller.abort();
    await expect(left.text()).rejects.toThrow();
    expect(await ended[0]).toBeUndefined();
    ended.length = 0;
    const drained = await post(url);
    await server.drain({ limitMs: 100 });
    expect(await drained.text()).toBe("begun failed: DRAINING");
  });

  it("ends when nobody reads", async () => {
    let why: Promise<unknown> | undefined;
    const handle = async (call: EndpointCall) => {
      why = reasonOfEnd(call);
      for (;;) await call.write("x".repeat(100_000));
    };
    const { port } = await serve(endpointOf({ handle }), { readerStallMs: 200 });
    const socket = net.connect(port, "127.0.0.1");
    open.push(() => void socket.destroy());
    socket.write(
      "POST /api/shout HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    );
    await new Promise((resolve) => socket.once("readable", resolve));
    expect(await why).toBe("READER_STALLED");
  });
});
