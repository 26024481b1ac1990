import type { DescMethod } from "@bufbuild/protobuf";
import { type ContextValues, createContextKey, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { abortError } from "./errors.ts";
import { type Principal, principalKey } from "./principal.ts";
import { requestOf, throughChain } from "./through-chain.ts";

/** What is known of a call while nothing of its body has been read. */
export interface EdgeCall {
  readonly method: DescMethod;
  readonly header: Headers;
  /** Aborted when the caller leaves or the deadline passes. */
  readonly signal: AbortSignal;
}

/**
 * Finds out on whose behalf a call is made, and whether it may be made. Fails with an error of the contract: UNAUTHENTICATED,
 * PERMISSION_DENIED, or why it cannot be known now.
 */
export type Authenticate = (call: EdgeCall) => Principal | Promise<Principal>;

/** Throws what the call is refused with. */
export type Gate = (context: HandlerContext) => Promise<void>;

const authenticatedKey = createContextKey(false, { description: "authenticated" });

export interface Authentication {
  /** For hosts that decode a request before the chain begins: a refused caller's bytes are never read, unpacked or parsed. */
  readonly gate: Gate;
  /** The same within the chain, where no gate has done it. */
  readonly interceptor: Interceptor;
}

/** @param outermost what a refused call still goes through, so that it has a request id and is counted and logged like any other */
export function createAuthentication(authenticate: Authenticate, outermost: readonly Interceptor[]): Authentication {
  const identify = async (contextValues: ContextValues, call: EdgeCall) => {
    contextValues.set(principalKey, await unlessAborted(authenticate(call), call.signal));
    contextValues.set(authenticatedKey, true);
    // From here on the credential is nobody's business.
    call.header.delete("authorization");
  };
  return {
    async gate(context) {
      const { method, requestHeader: header, signal, values } = context;
      try {
        await identify(values, { method, header, signal });
      } catch (error) {
        await refuse(context, error, outermost);
      }
    },
    interceptor: (next) => async (request) => {
      const { method, header, signal, contextValues } = request;
      if (!contextValues.get(authenticatedKey)) await identify(contextValues, { method, header, signal });
      return await next(request);
    },
  };
}

/** Whoever left, or has no time left, does not wait for a look-up that others may share. */
async function unlessAborted<T>(result: T | Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(abortError(signal));
  if (signal.aborted) throw abortError(signal);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Ends a call as the chain would have ended it. */
async function refuse(context: HandlerContext, error: unknown, outermost: readonly Interceptor[]): Promise<never> {
  const fail = (_call: object): Promise<never> => Promise.reject(error);
  return await throughChain(outermost, fail)({ ...requestOf(context), stream: false, method: context.method });
}
