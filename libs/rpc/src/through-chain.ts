import type { HandlerContext, Interceptor } from "@connectrpc/connect";

/** What runs a call, with a chain of interceptors around it, outermost first. */
export function throughChain<F>(chain: readonly Interceptor[], run: F): F {
  return chain.reduceRight<unknown>((next, interceptor) => interceptor(next as never), run) as F;
}

/** A call as interceptors see it, but for its messages. */
export function requestOf({ service, requestMethod, url, signal, requestHeader, values }: HandlerContext) {
  return { service, requestMethod, url, signal, header: requestHeader, contextValues: values };
}
