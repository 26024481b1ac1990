import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { afterEach, describe, expect, it } from "@jest/globals";
import { createAuthority } from "@quartet/testing";
import {
  createClient,
  createGrpcTransport,
  createOnePortServer,
  createRpcServer,
  type TlsServerOptions,
} from "../src/index.ts";
import { createEchoHandlers, createProbe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const authority = createAuthority();
const stranger = createAuthority("Somebody Else");
const server = authority.issue("localhost");
const gateway = authority.issue("gateway");
const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(
  create: typeof createRpcServer | typeof createOnePortServer,
  tls: TlsServerOptions,
): Promise<number> {
  const host = create({ tls }).add(EchoService, createEchoHandlers(createProbe()));
  open.push(() => host.drain({ limitMs: 300 }));
  return (await host.listen({ port: 0 })).port;
}

const say = (transport: Transport) => createClient(EchoService, transport).echo({ text: "비밀" }, { timeoutMs: 1500 });

describe.each([
  ["grpc-js server", createRpcServer],
  ["one-port server", createOnePortServer],
] as const)("%s with TLS", (_name, create) => {
  const dial = (port: number, tls: NonNullable<Parameters<typeof createGrpcTransport>[0]["tls"]>) => {
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}`, tls: { serverName: "localhost", ...tls } });
    open.push(() => transport.close());
    return transport;
  };

  it("is believed when its authority is known, and not otherwise", async () => {
    const port = await serve(create, server);
    expect((await say(dial(port, { authority: authority.certificate }))).text).toBe("비밀");
    await expect(say(dial(port, { authority: stranger.certificate }))).rejects.toThrow(/unavailable|deadline/);
    await expect(say(dial(port, { authority: authority.certificate, serverName: "elsewhere" }))).rejects.toThrow(
      /unavailable|deadline/,
    );
  });

  it("lets in only whom its client authority has signed", async () => {
    const port = await serve(create, { ...server, clientAuthority: authority.certificate });
    const known = { authority: authority.certificate, ...gateway };
    expect((await say(dial(port, known))).text).toBe("비밀");
    await expect(say(dial(port, { authority: authority.certificate }))).rejects.toThrow(/unavailable|deadline/);
    await expect(say(dial(port, { ...known, ...stranger.issue("gateway") }))).rejects.toThrow(/unavailable|deadline/);
  });
});

describe("the one port over TLS", () => {
  it("speaks HTTP/1.1 and HTTP/2, as the client chooses", async () => {
    const port = await serve(createOnePortServer, server);
    const baseUrl = `https://localhost:${port}`;
    const nodeOptions = { ca: authority.certificate };
    expect((await say(createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions }))).text).toBe("비밀");
    const sessionManager = new Http2SessionManager(baseUrl, undefined, nodeOptions);
    open.push(() => sessionManager.abort());
    expect((await say(createConnectTransport({ baseUrl, httpVersion: "2", sessionManager }))).text).toBe("비밀");
  });
});

describe("an inner server", () => {
  it("does not believe callers from a network without certificates", async () => {
    const host = createRpcServer().add(EchoService, {});
    await expect(host.listen({ port: 0, host: "0.0.0.0" })).rejects.toThrow(/mTLS/);
    const trusting = createRpcServer({ trustNetwork: true }).add(EchoService, {});
    await trusting.listen({ port: 0, host: "0.0.0.0" });
    await trusting.drain({ limitMs: 100 });
  });
});
