import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { type HttpHandler, type HttpResponse, pathOf } from "@quartet/rpc";
import type { Metrics } from "@quartet/telemetry";
import type { Readiness } from "./readiness.ts";

const rpcPath = ({ parent, name }: { readonly parent: { readonly typeName: string }; readonly name: string }) =>
  `/${parent.typeName}/${name}`;

/** Where an answer is JSON, or a stream of events where that is asked for. */
export const ANSWER_PATH = "/api/v1/answer";

/** Paths for scripts: the same JSON, the same errors, as the rpcs themselves over Connect. */
export const aliases = {
  "/api/v1/search": rpcPath(SearchService.method.searchPassages),
  [ANSWER_PATH]: rpcPath(AnswerService.method.answerQuestion),
};

export interface HttpRoutesOptions {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Whether the process is going down. */
  readonly draining: () => boolean;
}

/** /healthz, /readyz and /metrics, for whoever runs the process; everything else is 404. */
export function createHttpRoutes({ metrics, readiness, draining }: HttpRoutesOptions): HttpHandler {
  const routes = new Map<string, (response: HttpResponse, signal: AbortSignal) => Promise<void>>([
    // Says only that the process runs: nothing that a restart would not mend may turn it red.
    ["/healthz", async (response) => send(response, 200, "text/plain", "ok\n")],
    [
      "/readyz",
      async (response, signal) => {
        const missing = draining() ? ["gateway"] : await readiness(signal);
        if (missing.length === 0) send(response, 200, "text/plain", "ready\n");
        else send(response, 503, "text/plain", `not ready: ${missing.join(", ")}\n`);
      },
    ],
    [
      "/metrics",
      async (response) => {
        const { contentType, text } = await metrics.exposition();
        send(response, 200, contentType, text);
      },
    ],
  ]);
  return async (request, response) => {
    const route = routes.get(pathOf(request));
    if (route === undefined) return send(response, 404, "text/plain", "There is nothing here.\n");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(response, 405, "text/plain", "Only GET is answered here.\n");
    }
    const left = new AbortController();
    response.once("close", () => left.abort());
    await route(response, left.signal);
  };
}

function send(response: HttpResponse, status: number, contentType: string, body: string): void {
  response.statusCode = status;
  response.setHeader("content-type", contentType);
  response.setHeader("cache-control", "no-store");
  response.end(body);
}
