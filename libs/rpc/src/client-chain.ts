import type { Interceptor } from "@connectrpc/connect";
import type { Metrics } from "@quartet/telemetry";
import { toClientError } from "./errors.ts";
import { measure, observe } from "./observers.ts";
import { principalKey, requestIdHeader, requestIdKey, writePrincipal } from "./principal.ts";

/** What every call to another service goes through, outermost first. Innermost, whatever a transport throws becomes one kind of error. */
export function createClientChain(metrics?: Metrics): Interceptor[] {
  const observers = metrics === undefined ? [] : [measure(metrics, "client")];
  return [identify, observe({ mapError: toClientError, observers })];
}

/** Sends along who asks and the request's id, as the context of the call being handled has them. */
const identify: Interceptor = (next) => (request) => {
  const { header, contextValues } = request;
  const requestId = contextValues.get(requestIdKey);
  if (requestId !== "") header.set(requestIdHeader, requestId);
  writePrincipal(header, contextValues.get(principalKey));
  return next(request);
};
