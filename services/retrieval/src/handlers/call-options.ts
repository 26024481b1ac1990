import type { HandlerContext } from "@connectrpc/connect";
import type { CallOptions } from "../domain/record-store.ts";

/** The signal of a call, and what is left of its time. */
export function callOptions({ signal, timeoutMs }: HandlerContext): CallOptions {
  const leftMs = timeoutMs();
  return leftMs === undefined ? { signal } : { signal, timeoutMs: leftMs };
}
