import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** Answers one request; what it does not answer hangs. */
export type Answer = (request: FakeRequest, response: ServerResponse) => void;

/** A server that says that it is Elasticsearch, and otherwise what a test has it say. */
export async function startFakeElasticsearch(answer: Answer) {
  const requests: FakeRequest[] = [];
  let current = answer;
  const server = createServer((request, response) => void respond(request, response));
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("x-elastic-product", "Elasticsearch");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "" } = request;
    const asked = { method, path: url.split("?")[0]!, body: Buffer.concat(chunks).toString("utf8") };
    requests.push(asked);
    current(asked, response);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://elastic:canary-password@127.0.0.1:${port}`,
    port,
    requests,
    answerWith: (next: Answer) => void (current = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON. */
export function json(status: number, body: unknown): Answer {
  return (_, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
}
