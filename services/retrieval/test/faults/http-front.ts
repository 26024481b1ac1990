import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What Elasticsearch says to a search, in place of its own answer. */
export type HttpFault =
  | { readonly kind: "pass" }
  /** An error of Elasticsearch's own form. */
  | { readonly kind: "status"; readonly status: number; readonly type: string }
  /** The real answer, changed. */
  | { readonly kind: "edit"; readonly edit: (answer: Record<string, unknown>) => Record<string, unknown> }
  /** A body of so many bytes that never makes sense. */
  | { readonly kind: "flood"; readonly bytes: number }
  /** Never a word. */
  | { readonly kind: "hang" };

/** Stands before a genuine Elasticsearch and answers its searches as told; all else passes. */
export interface HttpFront extends AsyncDisposable {
  /** The URL of the server, changed so that it leads through here. */
  url(serverUrl: string): string;
  /** For all searches, or only those whose request holds the text. */
  set(fault: HttpFault, only?: string): void;
  /** Searches that arrived so far. */
  readonly searchCount: number;
}

export async function createHttpFront(target: string): Promise<HttpFront> {
  const server = new URL(target);
  const agent = new Agent({ keepAlive: true });
  let fault: HttpFault = { kind: "pass" };
  let meant: string | undefined;
  let searchCount = 0;

  const forward = (incoming: Incoming, answered: (answer: IncomingMessage) => void, failed: () => void) => {
    const { host: _, ...headers } = incoming.headers;
    const { method, url: path } = incoming;
    const options = { agent, host: server.hostname, port: server.port, method, path, headers };
    const outgoing = request(options, answered);
    outgoing.on("error", failed);
    outgoing.end(incoming.body);
    return outgoing;
  };

  const answer = async (received: IncomingMessage, outgoing: ServerResponse) => {
    const isSearch = /\/_search(\?|$)/.test(received.url ?? "");
    if (isSearch) searchCount += 1;
    const failed = () => outgoing.destroy();
    const body = await bodyOf(received).catch(() => undefined);
    if (body === undefined) return void failed();
    const incoming = { headers: received.headers, method: received.method, url: received.url, body };
    const isMeant = isSearch && (meant === undefined || body.includes(meant));
    const current = isMeant ? fault : ({ kind: "pass" } as const);
    switch (current.kind) {
      case "hang":
        return;
      case "status": {
        const { status, type } = current;
        const error = { type, reason: "canary-reason at canary-host:9200", root_cause: [] };
        outgoing.writeHead(status, { "content-type": "application/json", "x-elastic-product": "Elasticsearch" });
        outgoing.end(JSON.stringify({ error, status }));
        return;
      }
      case "flood":
        outgoing.writeHead(200, { "content-type": "application/json", "x-elastic-product": "Elasticsearch" });
        flood(outgoing, current.bytes);
        return;
      case "edit":
        forward(
          incoming,
          (reply) => void edited(reply, current.edit).then((text) => send(outgoing, reply, text), failed),
          failed,
        );
        return;
      case "pass": {
        const sent = forward(
          incoming,
          (reply) => {
            outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
            reply.pipe(outgoing);
            reply.on("error", failed);
          },
          failed,
        );
        outgoing.on("close", () => sent.destroy());
      }
    }
  };

  const front = createServer((received, outgoing) => void answer(received, outgoing));
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  const { port } = front.address() as AddressInfo;
  return {
    url(serverUrl) {
      const own = new URL(serverUrl);
      own.host = `127.0.0.1:${port}`;
      return own.href;
    },
    set(next, only) {
      fault = next;
      meant = only;
    },
    get searchCount() {
      return searchCount;
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      front.closeAllConnections();
      front.close();
      await once(front, "close");
    },
  };
}

/** A request, read whole. */
interface Incoming extends Pick<IncomingMessage, "headers" | "method" | "url"> {
  readonly body: Buffer;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function edited(
  reply: IncomingMessage,
  edit: (answer: Record<string, unknown>) => Record<string, unknown>,
): Promise<string> {
  return JSON.stringify(edit(JSON.parse((await bodyOf(reply)).toString()) as Record<string, unknown>));
}

function send(outgoing: ServerResponse, reply: IncomingMessage, text: string): void {
  const { "content-length": _, "transfer-encoding": __, "content-encoding": ___, ...headers } = reply.headers;
  outgoing.writeHead(reply.statusCode ?? 200, headers);
  outgoing.end(text);
}

/** Written as fast as the reader takes it, so that only the reader's own memory is at stake. */
function flood(outgoing: ServerResponse, bytes: number): void {
  const chunk = Buffer.alloc(64 * 1024, " ");
  let left = bytes;
  const write = () => {
    while (left > 0 && !outgoing.destroyed) {
      left -= chunk.length;
      if (!outgoing.write(chunk)) return void outgoing.once("drain", write);
    }
    outgoing.end("}");
  };
  write();
}
