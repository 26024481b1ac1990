import type { HttpResponse } from "./http.ts";

/**
 * Calls back when a response has something to write and its reader has taken nothing of it for so long. Node.js measures it at the socket,
 * or at the HTTP/2 stream: any byte taken begins a new period. Waiting for a handler that has nothing to say is no stall.
 */
export function watchReader(response: HttpResponse, stallMs: number, onStall: () => void): void {
  const onTimeout = () => {
    if (response.writableLength > 0) onStall();
    else response.setTimeout(stallMs);
  };
  response.setTimeout(stallMs, onTimeout);
}
