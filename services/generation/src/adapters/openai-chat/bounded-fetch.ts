import { Agent, fetch, Response, type RequestInit } from "undici";

export interface BoundedFetchOptions {
  /** Connections kept to one host at most; a stream holds one until its end. */
  readonly connections: number;
  /** The longest body of a reply in bytes, after decompression. */
  readonly maxBytes: number;
}

export interface BoundedFetch {
  /** As the standard's `fetch`, over kept connections, with replies of bounded length. */
  readonly fetch: typeof globalThis.fetch;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** A provider's reply went on and on. */
export class ReplyTooLongError extends Error {
  override readonly name = "ReplyTooLongError";

  constructor() {
    super("the reply is longer than it may be");
  }
}

/** How long an idle connection is kept; most providers close theirs after 60 s or more. */
const KEEP_ALIVE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** A fetch of its own for one provider. Time limits are the caller's: undici's own would cut long pauses of a model. */
export function createBoundedFetch({ connections, maxBytes }: BoundedFetchOptions): BoundedFetch {
  const dispatcher = new Agent({
    connections,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  const boundedFetch = async (input: string | URL, init: RequestInit = {}) => {
    const response = await fetch(input, { ...init, dispatcher });
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(limitTo(maxBytes)), { status, statusText, headers });
  };
  return {
    // The SDK calls it with a URL and plain options, and reads only what undici's Response shares with the global one.
    fetch: boundedFetch as unknown as typeof globalThis.fetch,
    close: () => dispatcher.destroy(),
  };
}

function limitTo(maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) controller.error(new ReplyTooLongError());
      else controller.enqueue(chunk);
    },
  });
}
