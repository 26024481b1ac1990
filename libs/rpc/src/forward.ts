import type { CallOptions, HandlerContext } from "@connectrpc/connect";

/**
 * The options of a call made on behalf of the one being handled: it is cancelled with it, has at most its time left, and carries its
 * request id and principal. A shorter `timeoutMs` is kept.
 */
export function forward({ signal, timeoutMs, values }: HandlerContext, options: CallOptions = {}): CallOptions {
  const leftMs = timeoutMs();
  const limits = [leftMs, options.timeoutMs].filter((limit) => limit !== undefined);
  return {
    contextValues: values,
    ...options,
    signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
    ...(limits.length === 0 ? {} : { timeoutMs: Math.min(...limits) }),
  };
}
