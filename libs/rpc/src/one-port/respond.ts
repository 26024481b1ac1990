import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { turnsEnd } from "@quartet/turns";
import { abortError } from "../errors.ts";
import { type HttpResponse, isGone } from "./http.ts";

/**
 * Writes a response at the pace of its reader. When the signal is aborted, or the connection breaks, the body is returned at once, so that
 * everything behind it is let go: Connect's own writer waits for a drain that never comes.
 */
export async function writeResponse(
  source: UniversalServerResponse,
  response: HttpResponse,
  signal: AbortSignal,
): Promise<void> {
  const body = source.body?.[Symbol.asyncIterator]();
  try {
    // Handlers may set headers until their first message.
    let chunk = await body?.next();
    if (isGone(response)) return;
    writeHead(source, response);
    for (; chunk !== undefined && chunk.done !== true; chunk = await body?.next()) {
      await writePart(response, chunk.value, signal);
    }
    if (source.trailer !== undefined) response.addTrailers(toNodeHeaders(source.trailer) as Record<string, string>);
    await endResponse(response);
  } finally {
    body?.return?.()?.catch(() => undefined);
  }
}

/** Sends the head now where it is HTTP/2: without, an end that follows at once would take the trailers with it. */
function writeHead({ status, header }: UniversalServerResponse, response: HttpResponse): void {
  (response as ServerResponse).writeHead(status, header === undefined ? {} : toNodeHeaders(header));
}

/** Writes a part, and waits until the response takes more; rejects when the signal is aborted, or the connection breaks. */
export async function writePart(response: HttpResponse, part: string | Uint8Array, signal: AbortSignal): Promise<void> {
  if (!(await isOpenAtTurnsEnd(response))) throw new Error("The connection was closed.");
  if (!(response as ServerResponse).write(part)) await drained(response, signal);
}

/** Ends a response, with a last part where there is one. */
export async function endResponse(response: HttpResponse, last: string | Uint8Array = ""): Promise<void> {
  if (await isOpenAtTurnsEnd(response)) response.end(last);
}

/**
 * Whether there is still somebody to write to, at the end of this turn of the event loop: what all calls have to say then leaves together. Whoever
 * reads many of them, such as a proxy, is woken once, and to wake somebody costs as much as a sixth of a call. HTTP/2 gathers what goes out by itself.
 */
export async function isOpenAtTurnsEnd(response: HttpResponse): Promise<boolean> {
  if (!("stream" in response)) await turnsEnd();
  return !isGone(response) && !response.writableEnded;
}

function toNodeHeaders(headers: Headers): OutgoingHttpHeaders {
  return Object.fromEntries(headers);
}

function drained(response: HttpResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => () => {
      response.removeListener("drain", onDrain);
      response.removeListener("close", onClose);
      signal.removeEventListener("abort", onAbort);
      finish();
    };
    const onDrain = settle(resolve);
    const onClose = settle(() => reject(new Error("The connection was closed.")));
    const onAbort = settle(() => reject(abortError(signal)));
    if (signal.aborted) return onAbort();
    if (isGone(response)) return onClose();
    response.once("drain", onDrain);
    response.once("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
