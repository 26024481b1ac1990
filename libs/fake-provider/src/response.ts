import { once } from "node:events";
import type { ServerResponse } from "node:http";

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
export async function writeUnlessClosed(response: ServerResponse, text: string, writeBytes?: number): Promise<boolean> {
  const bytes = Buffer.from(text);
  const size = writeBytes ?? bytes.length;
  for (let start = 0; start < bytes.length; start += size) {
    if (response.closed || response.destroyed) return false;
    const hasRoom = response.write(bytes.subarray(start, start + size));
    if (!hasRoom) await Promise.race([once(response, "drain"), once(response, "close")]);
    // A turn of the loop between the writes, so that they leave apart, and an endless stream lets others live.
    else await new Promise((resolve) => setImmediate(resolve));
  }
  return !response.closed;
}
