import type { Dispatcher } from "undici";
import type { HeadersLike } from "@quartet/key-pool";
import type { ReplyBody } from "./reply-body.ts";

/** A reply of which nothing but the head is read yet. The body is read once, in one of the two ways. */
export interface HttpReply {
  readonly status: number;
  readonly headers: HeadersLike;
  /** The headers as SDKs want them. */
  standardHeaders(): Headers;
  /**
   * The bytes, in each step all that have come since the last; whoever leaves early ends the call.
   *
   * @throws {ReplyTooLongError}, {StreamBrokenError}, or the signal's reason
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** All of it as UTF-8. @throws as `body` does */
  text(): Promise<string>;
  /** Waits so long; less when there is nothing more to wait for, because all has come, or as much as there is room for. */
  linger(ms: number): Promise<void>;
  /** Ends the call without reading on. */
  dismiss(): void;
}

type RawHeaders = Dispatcher.ResponseData["headers"];

export function createHttpReply(status: number, headers: RawHeaders, body: ReplyBody): HttpReply {
  return {
    status,
    headers: { get: (name) => join(headers[name.toLowerCase()]) },
    standardHeaders: () => toHeaders(headers),
    body,
    text: () => textOf(body),
    linger: (ms) => body.linger(ms),
    dismiss: () => body.dismiss(),
  };
}

const decoder = new TextDecoder();

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
}

const join = (value: RawHeaders[string]): string | null => (Array.isArray(value) ? value.join(", ") : (value ?? null));

function toHeaders(raw: RawHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return headers;
}
