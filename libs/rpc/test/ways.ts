import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport as createConnectGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { createRpcServer } from "../src/grpc/server.ts";
import { createGrpcTransport } from "../src/grpc/transport.ts";
import { createInMemoryTransport } from "../src/in-memory-transport.ts";
import { createOnePortServer } from "../src/one-port/server.ts";
import type { Way } from "./behaviour.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const inMemory: Way = {
  name: "in memory",
  encodes: false,
  duplex: true,
  async open({ handlers, maxTimeoutMs }) {
    const transport = createInMemoryTransport((add) => add(EchoService, handlers), { validate: true, maxTimeoutMs });
    return { transport, close: async () => undefined };
  },
};

const grpcJs = (compression: "none" | "gzip"): Way => ({
  name: `grpc-js to grpc-js, ${compression === "none" ? "plain" : compression}`,
  encodes: true,
  duplex: true,
  async open({ handlers, maxBytes, maxTimeoutMs }) {
    const server = createRpcServer({ readMaxBytes: maxBytes, writeMaxBytes: maxBytes, maxTimeoutMs }).add(
      EchoService,
      handlers,
    );
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}`, compression });
    return {
      transport,
      async close() {
        transport.close();
        await server.drain({ limitMs: 1000 });
      },
    };
  },
});

/** Any client to the one port. */
function onePort(
  name: string,
  duplex: boolean,
  connect: (port: number) => { transport: Transport; close: () => void },
): Way {
  return {
    name: `one port, ${name}`,
    encodes: true,
    duplex,
    async open({ handlers, maxBytes, maxTimeoutMs, ...more }) {
      const limits = { readMaxBytes: maxBytes, writeMaxBytes: maxBytes, maxTimeoutMs };
      const server = createOnePortServer({ ...limits, ...more }).add(EchoService, handlers);
      const { port } = await server.listen({ port: 0 });
      const { transport, close } = connect(port);
      return {
        transport,
        async close() {
          close();
          await server.drain({ limitMs: 1000 });
        },
      };
    },
  };
}

const overHttp2 =
  (make: (options: { baseUrl: string; httpVersion: "2"; sessionManager: Http2SessionManager }) => Transport) =>
  (port: number) => {
    const baseUrl = `http://127.0.0.1:${port}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    return { transport: make({ baseUrl, httpVersion: "2", sessionManager }), close: () => sessionManager.abort() };
  };

const overHttp1 = (make: (options: { baseUrl: string; httpVersion: "1.1" }) => Transport) => (port: number) => ({
  transport: make({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" }),
  close: () => undefined,
});

/** Between Quartet's own processes. */
export const innerWays: readonly Way[] = [inMemory, grpcJs("none"), grpcJs("gzip")];

/** From any client to the one port. */
export const outerWays: readonly Way[] = [
  onePort("Connect with protobuf over HTTP/2", true, overHttp2(createConnectTransport)),
  onePort(
    "Connect with JSON over HTTP/2",
    true,
    overHttp2((options) => createConnectTransport({ ...options, useBinaryFormat: false })),
  ),
  onePort("Connect with protobuf over HTTP/1.1", false, overHttp1(createConnectTransport)),
  onePort(
    "Connect with JSON over HTTP/1.1",
    false,
    overHttp1((options) => createConnectTransport({ ...options, useBinaryFormat: false })),
  ),
  onePort("gRPC-Web over HTTP/1.1", false, overHttp1(createGrpcWebTransport)),
  onePort("gRPC-Web over HTTP/2", true, overHttp2(createGrpcWebTransport)),
  onePort("gRPC of connect-node", true, overHttp2(createConnectGrpcTransport)),
  onePort("gRPC of grpc-js", true, (port) => {
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    return { transport, close: () => transport.close() };
  }),
];
