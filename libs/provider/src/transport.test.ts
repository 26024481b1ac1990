import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest } from "node:http2";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { createAuthority, until } from "@quartet/testing";
import { ConnectionError, ReplyTooLongError, StreamBrokenError } from "./errors.ts";
import type { HttpReply } from "./http-reply.ts";
import { createTransport, type Transport, type TransportOptions } from "./transport.ts";

/** What both protocols' responses have in common. */
type Response = Pick<ServerResponse, "end" | "setHeader" | "write"> & NodeJS.EventEmitter;
type Serve = (request: IncomingMessage | Http2ServerRequest, response: Response) => void;

const authority = createAuthority();
const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server that speaks one of the two, with the connections that it has seen. */
async function serve(protocol: "HTTP/1.1" | "HTTP/2", handler: Serve) {
  const { certificate: cert, privateKey: key } = authority.issue("localhost");
  const server =
    protocol === "HTTP/1.1"
      ? createServer(handler as never)
      : createSecureServer({ cert, key, allowHTTP1: false }, handler as never);
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => sockets.push(socket));
  (server as Server).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(`${protocol === "HTTP/1.1" ? "http" : "https"}://localhost:${port}/v1/chat/completions`);
  return { url, port, sockets };
}

function transportTo(options: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport({
    connections: 4,
    maxReplyBytes: 1_000_000,
    ca: authority.certificate,
    ...options,
  });
  closers.push(() => transport.close());
  return transport;
}

/** Stretches of network that can be made mute: those that are there swallow every byte, new ones do not. */
async function network(port: number) {
  const mute = new Set<Socket>();
  const all: Socket[] = [];
  const server = createTcpServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    all.push(client, upstream);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("data", (bytes) => mute.has(client) || to.write(bytes));
      from.on("error", () => undefined);
      from.once("close", () => to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const socket of all) socket.destroy();
    server.close();
  });
  const makeMute = () => all.forEach((socket) => mute.add(socket));
  return { port: (server.address() as AddressInfo).port, makeMute };
}

const post = (transport: Transport, url: URL, signal = new AbortController().signal, how = "well") =>
  transport.post({ origin: url.origin, path: url.pathname, headers: { "x-test": how }, body: "{}", signal });

async function textOf({ body }: HttpReply): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text;
}

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.each(["HTTP/1.1", "HTTP/2"] as const)("over %s", (protocol) => {
  const version = protocol === "HTTP/2" ? "2.0" : "1.1";

  it("keeps its connection for the next call", async () => {
    const { url, sockets } = await serve(protocol, (request, response) => {
      response.setHeader("x-version", request.httpVersion);
      response.end("안녕");
    });
    const transport = transportTo();
    for (let call = 0; call < 10; call++) {
      const reply = await post(transport, url);
      expect([reply.status, reply.headers.get("x-version"), await textOf(reply)]).toEqual([200, version, "안녕"]);
    }
    // A call that follows in the same turn of the event loop finds the first one not yet free.
    const size = sockets.length;
    expect(size).toBeLessThanOrEqual(2);
    await until(() => transport.figures().idleCount === size);
    expect(transport.figures()).toMatchObject({ size, maxSize: 4, idleCount: size, waitingCount: 0 });
  });

  it("never has more connections than it may, and tells who waits", async () => {
    const held: Response[] = [];
    const { url, sockets } = await serve(protocol, (_request, response) => void held.push(response));
    const transport = transportTo({ connections: 2 });
    const calls = Array.from({ length: 6 }, () => post(transport, url).then(textOf));
    // Over HTTP/2 one connection takes them all.
    const running = protocol === "HTTP/2" ? 6 : 2;
    await until(() => held.length === running);
    expect(transport.figures()).toMatchObject({ maxSize: 2, idleCount: 0, waitingCount: 6 - running });
    expect(sockets).toHaveLength(protocol === "HTTP/2" ? 1 : 2);
    for (let answered = 0; answered < 6; answered++) {
      await until(() => held.length > answered);
      held[answered]!.end(String(answered));
    }
    expect((await Promise.all(calls)).sort()).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(sockets.length).toBeLessThanOrEqual(2);
    expect(transport.figures()).toMatchObject({ waitingCount: 0 });
  });

  it.each(["before the reply", "while it is read"])(
    "ends a cancelled call within a second, and no other: %s",
    async (when) => {
      const open: Response[] = [];
      const { url } = await serve(protocol, (_request, response) => {
        open.push(response);
        if (when === "while it is read") response.write("first ");
      });
      const transport = transportTo();
      const [leaving, staying] = [new AbortController(), new AbortController()];
      const left = caught(post(transport, url, leaving.signal).then(textOf));
      await until(() => open.length === 1);
      const stayed = post(transport, url, staying.signal).then(textOf);
      await until(() => open.length === 2);
      const closed = once(open[0]!, "close");
      leaving.abort(new Error("left"));
      expect(await left).toMatchObject({ message: "left" });
      await closed;
      open[1]!.end("last");
      expect(await stayed).toMatch(/last$/);
    },
  );

  it("lets a call go at once that is cancelled while it waits for a connection", async () => {
    const held: Response[] = [];
    const { url, sockets } = await serve(protocol, (_request, response) => void held.push(response));
    const transport = transportTo({ connections: 1 });
    // Over HTTP/2 a connection takes a hundred.
    const full = protocol === "HTTP/2" ? 100 : 1;
    const busy = Array.from({ length: full }, () => post(transport, url).then(textOf));
    await until(() => held.length === full);
    const caller = new AbortController();
    const waiting = caught(post(transport, url, caller.signal));
    await until(() => transport.figures().waitingCount === 1);
    caller.abort(new Error("left"));
    expect(await waiting).toMatchObject({ message: "left" });
    expect(transport.figures().waitingCount).toBe(0);
    for (const response of held) response.end("over");
    expect(new Set(await Promise.all(busy))).toEqual(new Set(["over"]));
    expect(held).toHaveLength(full);
    // The connection that it waited for goes to the next call.
    const next = post(transport, url).then(textOf);
    await until(() => held.length === full + 1);
    held.at(-1)!.end("here");
    expect(await next).toBe("here");
    expect(sockets).toHaveLength(1);
  });

  it("says what broke: before the reply, within it, and where it goes on and on", async () => {
    const { url } = await serve(protocol, (request, response) => {
      const { socket } = request as { socket: Socket };
      const cut = () => ("stream" in request ? request.stream.session!.destroy() : socket.resetAndDestroy());
      if (request.headers["x-test"] === "before") return void cut();
      response.write("x".repeat(1_000));
      if (request.headers["x-test"] === "within") setTimeout(cut, 20);
      else setInterval(() => response.write("x".repeat(100_000)), 1).unref();
    });
    const transport = transportTo();
    const ask = (how: string) => caught(post(transport, url, new AbortController().signal, how).then(textOf));
    expect(await ask("before")).toBeInstanceOf(ConnectionError);
    expect(await ask("within")).toBeInstanceOf(StreamBrokenError);
    expect(await ask("endless")).toBeInstanceOf(ReplyTooLongError);
  });

  it.each(["before the reply", "while it is read"])(
    "leaves a connection on which nothing comes any more: %s",
    async (when) => {
      const { port } = await serve(protocol, (request, response) => {
        if (request.headers["x-test"] === "stall") response.write("first");
        else response.end("here");
      });
      const between = await network(port);
      const url = new URL(`${protocol === "HTTP/2" ? "https" : "http"}://localhost:${between.port}/`);
      const transport = transportTo({ connections: 1, distrustAfterMs: 50 });
      expect(await textOf(await post(transport, url))).toBe("here");
      const limit = new AbortController();
      const begun = when === "while it is read" ? await post(transport, url, limit.signal, "stall") : undefined;
      between.makeMute();
      const given = begun ? textOf(begun) : post(transport, url, limit.signal);
      setTimeout(() => limit.abort(new Error("late")), 300);
      await expect(given).rejects.toMatchObject({ message: "late" });
      expect(await textOf(await post(transport, url, AbortSignal.timeout(15_000)))).toBe("here");
    },
  );
});

it("does not believe a server whose authority it does not know", async () => {
  const { url } = await serve("HTTP/2", (_request, response) => void response.end("here"));
  expect(await caught(post(transportTo({ ca: createAuthority("Somebody Else").certificate }), url))).toBeInstanceOf(
    ConnectionError,
  );
});
