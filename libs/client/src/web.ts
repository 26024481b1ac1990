import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { createClientOver, type QuartetClient, type QuartetClientOptions } from "./quartet-client.ts";
import { NoResponse } from "./to-quartet-error.ts";

export * from "./shared.ts";

/**
 * A client for browsers and other runtimes with `fetch`. Calls travel as JSON, which developer tools can show.
 *
 * @throws {TypeError} if `baseUrl` is not an address
 */
export function createQuartetClient(options: QuartetClientOptions): QuartetClient {
  return createClientOver(options.transport ?? fetchTransport(options.baseUrl), options);
}

function fetchTransport(baseUrl: string): Transport {
  return createConnectTransport({ baseUrl: new URL(baseUrl).href.replace(/\/+$/, ""), fetch: fetchOrUnavailable });
}

/** `fetch`, with a connection that failed or broke told apart from a mistake in this program: both are a TypeError. */
const fetchOrUnavailable: typeof fetch = async (input, init) => {
  const signal = init?.signal;
  try {
    const response = await fetch(input, init);
    return response.body ? new Response(untilBroken(response.body, signal), response) : response;
  } catch (error) {
    throw signal?.aborted ? error : broken(error);
  }
};

/** The same bytes; a read that fails, other than by the signal, fails as a broken connection. */
function untilBroken(body: ReadableStream<Uint8Array>, signal: AbortSignal | null | undefined) {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(signal?.aborted ? error : broken(error));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

const broken = (error: unknown) =>
  new ConnectError(
    "no response",
    Code.Unavailable,
    undefined,
    undefined,
    new NoResponse("no response", { cause: error }),
  );
