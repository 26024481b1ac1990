import type { DescService } from "@bufbuild/protobuf";
import type { Client, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createClientOver, defaultsOf, type QuartetClient, type QuartetClientOptions } from "./quartet-client.ts";
import { createServiceClient as createServiceClientOver } from "./service-client.ts";

export * from "./shared.ts";

export interface NodeClientOptions extends QuartetClientOptions {
  /** `1.1` keeps a pool of connections; `2` sends all calls over one, in clear text to an http address. Default `1.1`. */
  readonly httpVersion?: "1.1" | "2";
}

/**
 * A client for Node. It opens connections when they are needed and closes idle ones; there is nothing to close.
 *
 * @throws {TypeError} if `baseUrl` is not an http or https address
 */
export function createQuartetClient(options: NodeClientOptions): QuartetClient {
  return createClientOver(transportOf(options), options);
}

/**
 * A client of any other Connect service at the same address, with the same promises; its contract is not part of the public one.
 *
 * @throws {TypeError} if `baseUrl` is not an http or https address
 */
export function createServiceClient<S extends DescService>(service: S, options: NodeClientOptions): Client<S> {
  return createServiceClientOver(service, transportOf(options), defaultsOf(options));
}

function transportOf({ transport, baseUrl, httpVersion = "1.1" }: NodeClientOptions): Transport {
  if (transport) return transport;
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol !== "http:" && protocol !== "https:") {
    throw new TypeError(`baseUrl must begin with http:// or https://, not ${protocol}`);
  }
  // Within one machine, compressing costs more than it saves.
  const compression = isLoopback(hostname) ? { acceptCompression: [] } : {};
  return createConnectTransport({ baseUrl: baseUrl.replace(/\/+$/, ""), httpVersion, ...compression });
}

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
