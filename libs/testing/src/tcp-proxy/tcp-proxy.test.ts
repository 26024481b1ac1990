import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Says everything back. */
async function startEcho(): Promise<Server> {
  const server = createServer((socket) => void socket.on("error", () => undefined).pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

describe("createTcpProxy", () => {
  let echo: Server;
  let proxy: TcpProxy;
  const clients = new Set<Socket>();

  beforeEach(async () => {
    echo = await startEcho();
    proxy = await createTcpProxy({ target: `redis://127.0.0.1:${(echo.address() as AddressInfo).port}` });
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    clients.clear();
    await proxy.close();
    echo.close();
  });

  const dial = async () => {
    const client = connect({ host: proxy.host, port: proxy.port }).setEncoding("utf8");
    clients.add(client);
    await once(client, "connect");
    return client;
  };
  const said = async (client: Socket) => (await once(client, "data"))[0] as string;
  const errorOf = async (client: Socket) => ((await once(client, "error"))[0] as NodeJS.ErrnoException).code;

  it("carries bytes both ways, more than it holds as well, and the end of each side", async () => {
    const client = await dial();
    const sent = "한글".repeat(500_000);
    client.end(sent);
    let received = "";
    for await (const text of client) received += text;
    expect(received === sent).toBe(true);
    expect(proxy.acceptedConnections).toBe(1);
  });

  it("leads a URL through itself and leaves the rest of it", () => {
    expect(proxy.url("postgresql://me:pass%2Fword@db.invalid:5432/quartet?sslmode=disable")).toBe(
      `postgresql://me:pass%2Fword@127.0.0.1:${proxy.port}/quartet?sslmode=disable`,
    );
  });

  it("refuses, and is there again on the same port", async () => {
    const before = await dial();
    const cut = errorOf(before);
    await proxy.set({ kind: "refuse" });
    expect(await cut).toBe("ECONNRESET");
    expect(await errorOf(connect({ host: proxy.host, port: proxy.port }))).toBe("ECONNREFUSED");
    await proxy.set({ kind: "pass" });
    const after = await dial();
    after.write("again");
    expect(await said(after)).toBe("again");
  });

  it("hangs, on old connections and new ones, and delivers afterwards", async () => {
    const old = await dial();
    await proxy.set({ kind: "hang" });
    const fresh = await dial();
    let heard = 0;
    for (const client of [old, fresh]) client.on("data", () => (heard += 1)).write("hello");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(heard).toBe(0);
    const both = Promise.all([said(old), said(fresh)]);
    await proxy.set({ kind: "pass" });
    expect(await both).toEqual(["hello", "hello"]);
  });

  it("delays what the server says", async () => {
    const client = await dial();
    await proxy.set({ kind: "delay", delayMs: 200 });
    const began = performance.now();
    client.write("late");
    expect(await said(client)).toBe("late");
    // A timer may fire a millisecond early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(199);
  });

  it.each([0, 3, 6])("resets a connection after %i bytes of six", async (afterBytes) => {
    const client = await dial();
    await proxy.set({ kind: "cut", afterBytes });
    let heard = "";
    client.on("data", (text) => (heard += String(text))).write("abcdef");
    expect(await errorOf(client)).toBe("ECONNRESET");
    expect("abcdef".slice(0, afterBytes).startsWith(heard)).toBe(true);
  });

  it("resets all connections once", async () => {
    const client = await dial();
    const cut = errorOf(client);
    client.write("x");
    await said(client);
    proxy.cutAll();
    expect(await cut).toBe("ECONNRESET");
    const next = await dial();
    next.write("y");
    expect(await said(next)).toBe("y");
  });

  it("resets the client when the server is not there", async () => {
    echo.close();
    const client = connect({ host: proxy.host, port: proxy.port });
    expect(await errorOf(client)).toBe("ECONNRESET");
  });
});
