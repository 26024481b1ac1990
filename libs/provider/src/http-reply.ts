import type { Dispatcher } from "undici";
import type { HeadersLike } from "@quartet/key-pool";
import { ReplyTooLongError, StreamBrokenError } from "./errors.ts";

/** A reply of which nothing but the head is read yet. The body is read once, in one of the two ways. */
export interface HttpReply {
  readonly status: number;
  readonly headers: HeadersLike;
  /** The headers as SDKs want them. */
  standardHeaders(): Headers;
  /**
   * The bytes; whoever leaves early ends the call.
   *
   * @throws {ReplyTooLongError}, {StreamBrokenError}, or the signal's reason
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** All of it as UTF-8. @throws as `body` does */
  text(): Promise<string>;
  /** Ends the call without reading on. */
  dismiss(): void;
}

export interface HttpReplyOptions {
  /** The longest body in bytes. */
  readonly maxBytes: number;
  /** The call's. */
  readonly signal: AbortSignal;
  /** The signal was aborted while the body was read. */
  readonly onGivenUp: () => void;
}

type RawHeaders = Dispatcher.ResponseData["headers"];

export function createHttpReply(reply: Dispatcher.ResponseData, options: HttpReplyOptions): HttpReply {
  const { statusCode: status, headers, body } = reply;
  const { maxBytes } = options;
  // A body that nobody reads any more ends with an error that nobody waits for.
  body.on("error", () => undefined);
  const bounded = readBounded(body, options);
  return {
    status,
    headers: { get: (name) => join(headers[name.toLowerCase()]) },
    standardHeaders: () => toHeaders(headers),
    body: bounded,
    text: async () => {
      // Told beforehand, the length is held by the connection: a fraction of the work of counting.
      if (Number(join(headers["content-length"]) ?? Infinity) > maxBytes) return await textOf(bounded);
      try {
        return await body.text();
      } catch (error) {
        throw brokenBy(error, options);
      }
    },
    dismiss: () => void body.destroy(),
  };
}

/** By hand, not as a generator, which costs each chunk more turns of the microtask queue. */
function readBounded(body: AsyncIterable<Uint8Array>, options: HttpReplyOptions): AsyncIterable<Uint8Array> {
  const iterate = (): AsyncIterator<Uint8Array> => {
    const chunks = body[Symbol.asyncIterator]();
    const leave = async () => (await chunks.return?.()) ?? { done: true as const, value: undefined };
    let bytes = 0;
    const next = async () => {
      try {
        const chunk = await chunks.next();
        bytes += chunk.done === true ? 0 : chunk.value.byteLength;
        if (bytes <= options.maxBytes) return chunk;
        await leave();
      } catch (error) {
        throw brokenBy(error, options);
      }
      throw new ReplyTooLongError();
    };
    return { next, return: leave };
  };
  return { [Symbol.asyncIterator]: iterate };
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function brokenBy(error: unknown, { signal, onGivenUp }: HttpReplyOptions): unknown {
  if (!signal.aborted) return new StreamBrokenError("the reply broke off", error);
  onGivenUp();
  return signal.reason;
}

const join = (value: RawHeaders[string]): string | null => (Array.isArray(value) ? value.join(", ") : (value ?? null));

function toHeaders(raw: RawHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return headers;
}
