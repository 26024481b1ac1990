import { cors } from "@connectrpc/connect";
import { requestIdHeader } from "../principal.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";

export interface CorsOptions {
  /** Origins whose pages may call, such as `https://app.example.com`. `*` is any; it is for public data without credentials only. */
  readonly origins: readonly string[];
  /** Headers that pages may send beside those of the protocols. */
  readonly allowedHeaders?: readonly string[];
  /** Headers that pages may see beside those of the protocols. */
  readonly exposedHeaders?: readonly string[];
}

const preflightSeconds = 7200;
const methods = [...cors.allowedMethods, "DELETE"].join(", ");

/**
 * Says which pages may call. Gives a function that sets the headers of a response, and answers a preflight itself (true: it did).
 * An origin that is not allowed gets none of these headers, which makes the browser refuse.
 */
export function createCors({ origins, allowedHeaders = [], exposedHeaders = [] }: CorsOptions) {
  const allowed = new Set(origins);
  const allowHeaders = [...cors.allowedHeaders, "authorization", requestIdHeader, ...allowedHeaders].join(", ");
  const exposeHeaders = [...cors.exposedHeaders, requestIdHeader, ...exposedHeaders].join(", ");

  return (request: HttpRequest, response: HttpResponse): boolean => {
    const { origin } = request.headers;
    if (origin === undefined) return false;
    const preflight = request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
    response.setHeader("vary", "origin");
    if (allowed.has("*") || allowed.has(origin)) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-expose-headers", exposeHeaders);
      if (preflight) {
        response.setHeader("access-control-allow-methods", methods);
        response.setHeader("access-control-allow-headers", allowHeaders);
        response.setHeader("access-control-max-age", String(preflightSeconds));
      }
    }
    if (preflight) {
      response.statusCode = 204;
      response.end();
    }
    return preflight;
  };
}
