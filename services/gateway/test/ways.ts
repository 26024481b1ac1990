import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";

export interface Way {
  readonly transport: Transport;
  close(): void;
}

/** How the public port is called, protocol by protocol. */
export const ways: readonly [name: string, open: (url: string) => Way][] = [
  [
    "Connect JSON over HTTP/1.1",
    (baseUrl) => ({
      transport: createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
      close: () => undefined,
    }),
  ],
  [
    "Connect binary over HTTP/2",
    (baseUrl) => {
      const sessionManager = new Http2SessionManager(baseUrl);
      const transport = createConnectTransport({ baseUrl, httpVersion: "2", sessionManager });
      return { transport, close: () => sessionManager.abort() };
    },
  ],
  [
    "gRPC-Web over HTTP/1.1",
    (baseUrl) => ({
      transport: createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
      close: () => undefined,
    }),
  ],
  [
    "gRPC over HTTP/2",
    (baseUrl) => {
      const sessionManager = new Http2SessionManager(baseUrl);
      return { transport: createGrpcTransport({ baseUrl, sessionManager }), close: () => sessionManager.abort() };
    },
  ],
];
