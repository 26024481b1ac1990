import type * as http from "node:http";
import * as http2 from "node:http2";

/** A request over HTTP/1.1 or HTTP/2, as Node.js shows both. */
export type HttpRequest = http.IncomingMessage | http2.Http2ServerRequest;
export type HttpResponse = http.ServerResponse | http2.Http2ServerResponse;

/** What answers a plain HTTP request: REST routes, static files, health of the process. It ends the response in every case. */
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => void | Promise<void>;

export function pathOf({ url }: HttpRequest): string {
  return url?.split("?", 1)[0] ?? "";
}

/** Whether nothing that is written would arrive any more. */
export function isGone(response: HttpResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.destroyed;
}

/** Breaks off a response: the one stream of an HTTP/2 connection, or the connection. */
export function breakOff(response: HttpResponse): void {
  if ("stream" in response) response.stream.close(http2.constants.NGHTTP2_CANCEL);
  else response.destroy();
}

/** Refuses what no handler sees, with a line for whoever wrote the request. */
export function refuse(response: HttpResponse, status: number, line: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "text/plain");
  response.end(`${line}\n`);
}

/** Refuses another verb; HTTP wants those that are answered. */
export function refuseVerb(response: HttpResponse, verbs: string): void {
  response.setHeader("allow", verbs);
  refuse(response, 405, `Only ${verbs} is answered here.`);
}
