/**
 * What passing a chat on costs at the least: `bare-proxy.ts http://127.0.0.1:PORT`. It puts its own key into the request, and passes bodies on as
 * they come, without a look inside; no limits, no retries, no metrics.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { Agent } from "undici";

const origin = process.argv[2] ?? "";
const agent = new Agent();

async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { statusCode, headers, body } = await agent.request({
    origin,
    path: request.url ?? "/",
    method: request.method as "POST",
    headers: { "content-type": "application/json", authorization: "Bearer sk-bench" },
    body: request,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  response.statusCode = statusCode;
  for (const name of ["content-type", "content-length"]) if (headers[name]) response.setHeader(name, headers[name]);
  await pipeline(body, response);
}

const server = createServer((request, response) => {
  passOn(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  void agent.destroy();
});
