import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerApi, createApi } from "./api.ts";
import type { FakeBehaviour } from "./behaviour.ts";
import { answerControl, CONTROL_PATH } from "./control.ts";
import type { FaultName } from "./faults.ts";
import type { FakeRequest } from "./fake-request.ts";
import { createFigureKeeper, type FakeFigures } from "./figures.ts";
import { createRequestLog } from "./request-log.ts";
import { type Changes, createSettings, type FakeProviderOptions } from "./settings.ts";

/** An OpenAI-compatible server that fails in every way that is asked for. */
export interface FakeProvider {
  /** `http://127.0.0.1:PORT/v1`, for OPENAI_BASE_URL. */
  readonly baseUrl: string;
  /** `http://127.0.0.1:PORT/_fake`: how other processes change what it does, and see what it got. */
  readonly controlUrl: string;
  /** The requests so far, in order of arrival; of very many only the newest. */
  readonly requests: readonly FakeRequest[];
  /** Changes how it answers from now on; what is not named stays, and what is undefined goes back to the default. */
  set(options: Changes<FakeProviderOptions>): void;
  /** For the next model calls, one each, over what is set. */
  next(...behaviours: readonly FakeBehaviour[]): void;
  /** Switches faults on by their names, from now on. */
  start(...faults: readonly FaultName[]): void;
  /** Calls, refusals and tokens since the start, in all and by the label of the key. */
  figures(): FakeFigures;
  /** Resolves when so many requests have arrived. The test's own limit ends the wait. */
  arrived(count: number): Promise<void>;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface FakeServerOptions {
  /** Default: 127.0.0.1, so that only this machine reaches it. */
  readonly host?: string;
  /** Default: 0, a free one. */
  readonly port?: number;
  /** Requests that are remembered. Default: 10,000. */
  readonly maxLoggedRequests?: number;
  /** Their bodies in bytes, in all. Default: 64 MiB. */
  readonly maxLoggedBytes?: number;
}

/** Longer than clients keep an idle connection, so that it is never closed under a request that is on its way. */
const KEEP_ALIVE_MS = 120_000;

/** Starts the provider. Whoever starts it closes it. */
export async function startFakeProvider(
  options: FakeProviderOptions = {},
  { host = "127.0.0.1", port = 0, maxLoggedRequests = 10_000, maxLoggedBytes = 64 * 1024 ** 2 }: FakeServerOptions = {},
): Promise<FakeProvider> {
  const settings = createSettings(options);
  const log = createRequestLog({ maxEntries: maxLoggedRequests, maxBytes: maxLoggedBytes });
  const figures = createFigureKeeper();
  const api = createApi({ settings, log, figures });
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? "/", "http://fake");
    if (url.pathname.startsWith(`${CONTROL_PATH}/`)) {
      return answerControl(incoming, response, url, { settings, log, figures });
    }
    return answerApi(api, incoming, response, url.pathname);
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  const origin = `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;

  return {
    baseUrl: `${origin}/v1`,
    controlUrl: `${origin}${CONTROL_PATH}`,
    requests: log.entries,
    set: (changes) => settings.set(changes),
    next: (...behaviours) => settings.next(behaviours),
    start: (...faults) => settings.start(faults),
    figures: () => figures.read(),
    arrived: (count) => log.arrived(count),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
