import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import type { FakeBehaviour, FakeCut } from "./behaviour.ts";
import type { FakeError } from "./provider-errors.ts";

/** Waits; false when the client has left meanwhile. */
export async function waitUnlessClosed(response: ServerResponse, ms: number): Promise<boolean> {
  if (ms > 0 && !response.closed) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    response.once("close", resolve);
    await promise;
    clearTimeout(timer);
    response.off("close", resolve);
  }
  return !response.closed;
}

/** Writes with back-pressure, whole or in pieces of `writeBytes`; false when the client has left. */
export async function writeUnlessClosed(
  response: Writable,
  content: string | Buffer,
  writeBytes?: number,
): Promise<boolean> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const size = writeBytes ?? Math.max(1, bytes.length);
  for (let start = 0; start < bytes.length; start += size) {
    if (response.closed || response.destroyed) return false;
    const hasRoom = response.write(bytes.subarray(start, start + size));
    if (!hasRoom) await roomOrClose(response);
    // A turn of the loop between the writes, so that they leave apart, and an endless stream lets others live.
    else await new Promise((resolve) => setImmediate(resolve));
  }
  return !response.closed;
}

/** Whichever comes first ends the wait for the other: a slow reader of a long reply has the server wait thousands of times. */
async function roomOrClose(response: Writable): Promise<void> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  } finally {
    waiting.abort();
  }
}

/** How long a delay is this time. */
export const vary = (ms: number, { jitter = 0 }: Pick<FakeBehaviour, "jitter">): number =>
  jitter === 0 ? ms : ms * (1 + jitter * (2 * Math.random() - 1));

/** How long the provider has worked on a request so far, as it tells. */
export const stampTime = (response: ServerResponse, { at }: { readonly at: number }): void =>
  void response.setHeader("openai-processing-ms", String(Math.round(performance.now() - at)));

export function sendError(response: ServerResponse, error: FakeError): void {
  const { status, type, code, message, param = null, headers = {} } = error;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { error: { message, type, param, code } });
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, "application/json", JSON.stringify(body));
}

export function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** The first half of a reply, and then what the cut says. */
export async function sendCut(response: ServerResponse, text: string, by: FakeCut["by"]): Promise<void> {
  const half = text.slice(0, text.length / 2);
  response.setHeader("content-type", "application/json");
  if (by === "end" || by === "garbage") return void response.end(half);
  if (by === "error") return void response.end(SERVER_ERROR);
  // What is announced is the whole, as a server does that means to send it.
  response.setHeader("content-length", Buffer.byteLength(text));
  response.flushHeaders();
  if (await writeUnlessClosed(response, half)) cutConnection(response, by);
}

/** An error inside of what was to be a good reply. */
export const SERVER_ERROR =
  '{"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}';

export function cutConnection(response: ServerResponse, by: "fin" | "reset" | "stall"): void {
  if (by === "fin") response.socket?.end();
  if (by === "reset") response.socket?.resetAndDestroy();
}

/** What is given again and again, until the client has left. */
export async function sendEndlessly(response: ServerResponse, head: string, again: string): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" });
  const block = again.repeat(Math.ceil(16_384 / again.length));
  let isThere = await writeUnlessClosed(response, head);
  while (isThere) isThere = await writeUnlessClosed(response, block);
}
