import { Client, type TransportRequestOptions } from "@elastic/elasticsearch";
import { BulkheadFullError, createBulkhead, createWaitTimes, pause } from "@quartet/resilience";
import type { PoolFigures } from "@quartet/rpc";
import { StoreBusyError, StoreTimeoutError } from "../../domain/store-errors.ts";
import { store, toStoreError } from "./errors.ts";

export interface ConnectionOptions {
  /** As http://host:9200 or https://user:password@host:9200. */
  readonly url: string;
  /** Base64-encoded, as Elasticsearch gives it; in place of a user in the URL. */
  readonly apiKey?: string | undefined;
  /** Certificates, in PEM, that the server's is trusted by beside those of the system. */
  readonly ca?: string | undefined;
  /** Default: 32. */
  readonly maxConnections?: number;
}

export interface CallLimits {
  readonly signal: AbortSignal;
  /** The most the call may take. Default: 30,000. */
  readonly timeoutMs?: number;
  /** A longer answer is not read. Default: 16 MiB. */
  readonly maxResponseBytes?: number;
}

/** The one way to Elasticsearch: bounded in connections, time and size of the answer, and without attempts of its own. */
export interface Connection {
  /**
   * @throws the signal's reason when it is aborted; {StoreTimeoutError}; {StoreBusyError} when no connection became free in time;
   * {IndexMissingError}; {ElasticsearchError}; {RefusedRequestError}
   */
  call<Result>(
    request: (client: Client, options: TransportRequestOptions) => Promise<Result>,
    limits: CallLimits,
  ): Promise<Result>;
  figures(): PoolFigures;
  close(): Promise<void>;
}

const defaults = { maxConnections: 32, timeoutMs: 30_000, maxResponseBytes: 16 * 1024 ** 2 } as const;

const closeLimitMs = 5_000;

export function connect({ url, apiKey, ca, maxConnections = defaults.maxConnections }: ConnectionOptions): Connection {
  const { node, auth } = readAddress(url, apiKey);
  const client = new Client({
    node,
    ...(auth && { auth }),
    ...(ca !== undefined && { tls: { ca } }),
    maxRetries: 0,
    enableMetaHeader: false,
    agent: { connections: maxConnections, pipelining: 1, keepAliveTimeout: 60_000, keepAliveMaxTimeout: 600_000 },
  });
  const places = createBulkhead({ name: "elasticsearch", maxInFlight: maxConnections, maxQueued: 256 });
  const waits = createWaitTimes();

  const takePlace = async (signal: AbortSignal, maxWaitMs: number) => {
    const started = performance.now();
    try {
      return await places.acquire({ signal, maxWaitMs });
    } catch (error) {
      throw error instanceof BulkheadFullError ? new StoreBusyError(store, { cause: error }) : error;
    } finally {
      waits.add(performance.now() - started);
    }
  };

  return {
    async call(request, { signal, timeoutMs = defaults.timeoutMs, maxResponseBytes = defaults.maxResponseBytes }) {
      const place = await takePlace(signal, timeoutMs);
      // Of this call alone: the client fires `abort` on the signal that it is given when its own time is up.
      const own = new AbortController();
      let isTimedOut = false;
      const onAbort = () => own.abort();
      const timer = setTimeout(() => {
        isTimedOut = true;
        own.abort();
      }, timeoutMs);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        return await request(client, {
          signal: own.signal,
          // Its spans hold addresses and may hold questions.
          openTelemetry: { enabled: false },
          maxResponseSize: maxResponseBytes,
          maxCompressedResponseSize: maxResponseBytes,
        });
      } catch (error) {
        signal.throwIfAborted();
        throw isTimedOut ? new StoreTimeoutError(timeoutMs) : toStoreError(error);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        place.release();
      }
    },
    figures: () => ({
      name: "elasticsearch",
      size: places.inFlight,
      maxSize: maxConnections,
      idleCount: 0,
      waitingCount: places.queued,
      waitP95Ms: waits.p95(),
    }),
    async close() {
      // It waits for calls that are under way, which have limits of their own; a socket that hangs is left behind.
      const limit = new AbortController();
      await Promise.race([client.close(), pause(closeLimitMs, limit.signal).catch(() => {})]);
      limit.abort();
    },
  };
}

type Auth = { readonly apiKey: string } | { readonly username: string; readonly password: string };

/** The address without the user in it, which would be in the client's errors. */
function readAddress(url: string, apiKey: string | undefined): { readonly node: string; readonly auth?: Auth } {
  const address = new URL(url);
  const { username, password } = address;
  address.username = "";
  address.password = "";
  const node = address.href;
  if (apiKey !== undefined) return { node, auth: { apiKey } };
  if (username === "") return { node };
  return { node, auth: { username: decodeURIComponent(username), password: decodeURIComponent(password) } };
}
