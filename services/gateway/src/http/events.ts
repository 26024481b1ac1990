import type { EndpointCall, HttpResponse } from "@quartet/rpc";

/** Headers of a stream of server-sent events: neither kept nor held back on the way. */
const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** Begins a stream of server-sent events, if it has not begun. */
export function beginEvents(response: HttpResponse): void {
  if (response.headersSent) return;
  response.statusCode = 200;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

/** One event; without a name it is a `message`. JSON has no line breaks of its own. */
export const eventOf = (json: string, name?: string): string =>
  name === undefined ? `data: ${json}\n\n` : `event: ${name}\ndata: ${json}\n\n`;

/** The same of bytes, each line of which is the JSON of an event. Bytes stay what they are in latin1. */
export function eventsOfLines(lines: Uint8Array): Buffer {
  const text = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength).toString("latin1");
  return Buffer.from(`data: ${text.replaceAll("\n", "\n\ndata: ")}\n\n`, "latin1");
}

/** A comment: readers pass over it, and whatever is between sees that the stream lives. */
const HEARTBEAT = ": still there\n\n";

export interface EventsOptions {
  /** How often something is sent while there is nothing to tell. */
  readonly heartbeatMs: number;
}

/**
 * Sends what comes as events, and a comment whenever nothing came for a while. The response begins with the first of either, so that what fails
 * before has a status of its own.
 */
export async function sendEvents(
  { response, write }: Pick<EndpointCall, "response" | "write">,
  events: AsyncIterable<string>,
  { heartbeatMs }: EventsOptions,
): Promise<void> {
  let quiet = true;
  const timer = setInterval(() => {
    // A reader that is behind has enough to read.
    if (quiet && !response.writableNeedDrain) {
      beginEvents(response);
      void write(HEARTBEAT).catch(() => undefined);
    }
    quiet = true;
  }, heartbeatMs);
  try {
    for await (const event of events) {
      quiet = false;
      beginEvents(response);
      await write(event);
    }
  } finally {
    clearInterval(timer);
  }
}
