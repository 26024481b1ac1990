import type { Interceptor, StreamResponse, UnaryResponse } from "@connectrpc/connect";
import { toClientError } from "./errors.ts";
import { principalKey, requestIdHeader, requestIdKey, writePrincipal } from "./principal.ts";
import { watchStream } from "./watch-stream.ts";

/** What every call to another service goes through, outermost first. */
export function createClientChain(): Interceptor[] {
  return [identify, normaliseErrors];
}

/** Sends along who asks and the request's id, as the context of the call being handled has them. */
const identify: Interceptor = (next) => (request) => {
  const { header, contextValues } = request;
  const requestId = contextValues.get(requestIdKey);
  if (requestId !== "") header.set(requestIdHeader, requestId);
  writePrincipal(header, contextValues.get(principalKey));
  return next(request);
};

/** Innermost: whatever a transport throws becomes one kind of error (toClientError). */
const normaliseErrors: Interceptor = (next) => async (request) => {
  const failed = (error: unknown) => toClientError(error, request.signal);
  let response: UnaryResponse | StreamResponse;
  try {
    response = await next(request);
  } catch (error) {
    throw failed(error);
  }
  return response.stream ? { ...response, message: watchStream(response.message, { failed }) } : response;
};
