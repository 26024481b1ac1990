import { once } from "node:events";
import type { ServerResponse } from "node:http";
import * as http2 from "node:http2";
import * as net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "@jest/globals";
import { createMetrics, type Metrics } from "@quartet/telemetry";
import { createOnePortServer, type OnePortServerOptions, pathOf } from "../src/index.ts";
import { createEchoHandlers, createProbe, type Probe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(options: OnePortServerOptions = {}, probe: Probe = createProbe()) {
  const server = createOnePortServer(options).add(EchoService, createEchoHandlers(probe));
  open.push(() => server.drain({ limitMs: 100 }));
  const { port } = await server.listen({ port: 0 });
  return { port, url: `http://127.0.0.1:${port}`, server };
}

describe("plain HTTP routes", () => {
  it("get what is no rpc, over HTTP/1.1 and HTTP/2", async () => {
    const { url } = await serve({ fallback: (request, response) => void response.end(`at ${pathOf(request)}`) });
    expect(await (await fetch(`${url}/healthz?x=1`)).text()).toBe("at /healthz");
    const session = http2.connect(url);
    open.push(() => session.close());
    const stream = session.request({ ":path": "/over/http2" });
    expect(String(Buffer.concat(await stream.toArray()))).toBe("at /over/http2");
  });

  it("that fail are a 500 without a word", async () => {
    const { url } = await serve({
      fallback: () => {
        throw new Error("password=hunter2");
      },
    });
    const response = await fetch(`${url}/x`);
    expect(response.status).toBe(500);
    expect(await response.text()).toBe("");
  });
});

describe("CORS", () => {
  const origin = "https://app.example.com";
  const preflight = (url: string, from: string) =>
    fetch(`${url}/${EchoService.typeName}/Echo`, {
      method: "OPTIONS",
      headers: { origin: from, "access-control-request-method": "POST" },
    });

  it("lets the pages of a known origin call and read what protocols need", async () => {
    const { url } = await serve({ cors: { origins: [origin] } });
    const allowed = await preflight(url, origin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(origin);
    expect(allowed.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("connect-protocol-version");
    const headers = { origin, "content-type": "application/json" };
    const answered = await fetch(`${url}/${EchoService.typeName}/Echo`, { method: "POST", headers, body: "{}" });
    expect(answered.headers.get("access-control-allow-origin")).toBe(origin);
    expect(answered.headers.get("access-control-expose-headers")?.toLowerCase()).toContain("grpc-status-details-bin");
  });

  it.each(["https://evil.example.com", "null"])("says nothing to %s", async (from) => {
    const { url } = await serve({ cors: { origins: [origin] } });
    expect((await preflight(url, from)).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("clients that misbehave", () => {
  it.each(["HTTP/1.1", "HTTP/2"])(
    "a reader over %s that takes nothing is dropped, and the handler finishes",
    async (protocol) => {
      const probe = createProbe();
      const metrics = createMetrics({ component: "test", processMetrics: false });
      const { port, url } = await serve({ readerStallMs: 250, metrics }, probe);
      const body = countRequest(1_000_000, "x".repeat(60_000));
      const path = `/${EchoService.typeName}/Count`;
      if (protocol === "HTTP/2") {
        const session = http2.connect(url);
        session.on("error", () => undefined);
        open.push(() => session.destroy());
        const stream = session.request({
          ":method": "POST",
          ":path": path,
          "content-type": "application/connect+json",
        });
        stream.on("error", () => undefined);
        stream.end(body);
      } else {
        const socket = net.connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        open.push(() => void socket.destroy());
        socket.pause();
        socket.write(
          `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ncontent-length: ${body.byteLength}\r\n\r\n`,
        );
        socket.write(body);
      }
      await createProbe().until(() => probe.calls.length === 1);
      await eventually(() => probe.finished.length === 1);
      expect(probe.calls[0]?.signal.reason).toMatchObject({ rawMessage: expect.stringContaining("not read") });
      await eventually(async () => /readers_stalled_total\{.*\} 1/.test(await textOf(metrics)));
      expect(await textOf(metrics)).toMatch(/handled_total\{.*method="Count".*code="unavailable".*\} 1/);
      expect(await textOf(metrics)).toMatch(/in_flight\{.*method="Count".*\} 0/);
    },
  );

  it("a handler that has nothing to say for long is no stall", async () => {
    const { url } = await serve({ readerStallMs: 50 });
    const body = countRequest(1, "x", { behaviour: "sleep" });
    const headers = { "content-type": "application/connect+json" };
    const response = await fetch(`${url}/${EchoService.typeName}/Echo`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"behaviour":"sleep","count":200,"text":"late"}',
    });
    expect(await response.json()).toMatchObject({ text: "late" });
    expect(
      (await fetch(`${url}/${EchoService.typeName}/Count`, { method: "POST", headers, body: body as never })).status,
    ).toBe(200);
  });

  it.each([
    ["says nothing", "", { idleTimeoutMs: 80 }],
    ["says two bytes", "PR", { prefaceTimeoutMs: 80 }],
  ])("a connection that %s is closed in time", async (_what, bytes, limits) => {
    const { port } = await serve(limits);
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    if (bytes !== "") socket.write(bytes);
    await new Promise((resolve) => socket.once("close", resolve));
  });

  it("a connection that is opened ahead of need stays until it is used", async () => {
    const { port } = await serve({ prefaceTimeoutMs: 20 });
    const socket = net.connect(port, "127.0.0.1");
    await sleep(200);
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    expect(String(Buffer.concat(await socket.toArray()))).toMatch(/^HTTP\/1.1 404 /);
  });

  it("a connection that was never used does not hold a drain up", async () => {
    const { server, port } = await serve();
    const socket = net.connect(port, "127.0.0.1");
    const closed = once(socket, "close");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    await sleep(50);
    const startedAt = performance.now();
    await server.drain({ limitMs: 20_000 });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await closed;
  });

  it("a connection that is ended before it says anything is closed at once", async () => {
    const { port } = await serve({ idleTimeoutMs: 600_000 });
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.resume().end();
    await new Promise((resolve) => socket.once("end", resolve));
  });

  it("headers that do not end are refused in time", async () => {
    const { port } = await serve({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const socket = net.connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nx-slow: ");
    const answer = await socket.toArray();
    expect(String(Buffer.concat(answer))).toContain("408");
  });

  it("a body over HTTP/2 that does not end is refused in time", async () => {
    const { url } = await serve({ requestTimeoutMs: 150 });
    const session = http2.connect(url);
    open.push(() => session.destroy());
    const stream = session.request({
      ":method": "POST",
      ":path": `/${EchoService.typeName}/Echo`,
      "content-type": "application/json",
    });
    stream.on("error", () => undefined);
    stream.write("{");
    await new Promise((resolve) => stream.once("close", resolve));
  });
});

describe("a connection of its own", () => {
  it("may be idle over HTTP/1.1 when the server drains", async () => {
    const { url, server } = await serve();
    await (await fetch(`${url}/x`)).text();
    const startedAt = performance.now();
    await server.drain({ limitMs: 5000 });
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it("is closed behind a response over HTTP/1.1 that had begun when the server drains", async () => {
    const ended = Promise.withResolvers<void>();
    const { port, server } = await serve({
      fallback: async (_request, response) => {
        (response as ServerResponse).write("begun ");
        await ended.promise;
        response.end("ended");
      },
    });
    const text = askOn(await connectTo(port), "/x");
    await text.begun;
    const drained = server.drain({ limitMs: 60_000 });
    ended.resolve();
    await drained;
    expect(await text.whole).toContain("ended");
  });

  it("is closed behind a response over HTTP/1.1 that is made in the turn in which the server begins to drain", async () => {
    const draining = Promise.withResolvers<Promise<void>>();
    const server = createOnePortServer().add(EchoService, {
      echo: async () => {
        // Before the end of this turn, at which responses leave.
        setImmediate(() => draining.resolve(server.drain({ limitMs: 60_000 })));
        return {};
      },
    });
    open.push(() => server.drain({ limitMs: 0 }));
    const { port } = await server.listen({ port: 0 });
    const text = askOn(await connectTo(port), `/${EchoService.typeName}/Echo`);
    expect(await text.whole).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*connection: close\r\n/i);
    await draining.promise;
  });
});

async function connectTo(port: number): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  open.push(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Asks on a connection that its client never closes. */
function askOn(socket: net.Socket, path: string) {
  const begun = new Promise((resolve) => socket.once("data", resolve));
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const whole = once(socket, "close").then(() => String(Buffer.concat(chunks)));
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`);
  return { begun, whole };
}

/** One message of a Connect stream, as JSON. */
function countRequest(count: number, text: string, more: object = {}): Buffer {
  const json = Buffer.from(JSON.stringify({ count, text, ...more }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(json.byteLength, 1);
  return Buffer.concat([head, json]);
}

async function textOf(metrics: Metrics): Promise<string> {
  return (await metrics.exposition()).text;
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 8000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("The condition has not come to hold.");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
