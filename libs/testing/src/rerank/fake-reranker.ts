import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { waitUnlessClosed } from "@quartet/fake-provider";

/** How the endpoint answers. Everything is optional; without anything it scores well and at once. */
export interface FakeRerankBehaviour {
  /** Answers with this status and a text that quotes the key, as careless servers do. */
  readonly status?: number;
  /** Response headers to add. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Before anything is sent. Default: 0. */
  readonly delayMs?: number;
  /** Takes the request and never answers. */
  readonly hang?: boolean;
  /** Breaks the connection off in the middle of the reply. */
  readonly cut?: boolean;
  /** Sends white space until the client leaves. */
  readonly endless?: boolean;
  /** What is sent as it is, in place of a reply. */
  readonly text?: string;
  /** The score of a text. Default: 1 over its length in code points. */
  readonly score?: (text: string, query: string) => number;
  /** Changes the list of results before it is sent. */
  readonly results?: (results: readonly FakeRerankResult[]) => unknown;
}

/** A result as the API words it: `relevance_score` of Cohere and Jina, `score` of text-embeddings-inference. */
export interface FakeRerankResult {
  readonly index: number;
  readonly relevance_score?: number;
  readonly score?: number;
}

export interface FakeRerankRequest {
  readonly path: string;
  /** The bearer token; empty when there is none. */
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Resolves when its connection is over, one way or the other. */
  readonly closed: Promise<void>;
}

/** A rerank endpoint on loopback that fails in every way that is asked for. */
export interface FakeReranker {
  /** For Cohere's API: `http://127.0.0.1:PORT/v2/rerank`. */
  readonly cohereUrl: string;
  readonly jinaUrl: string;
  readonly teiUrl: string;
  readonly requests: readonly FakeRerankRequest[];
  /** How it answers from now on. */
  set(behaviour: FakeRerankBehaviour): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

const paths = { "/v2/rerank": "documents", "/v1/rerank": "documents", "/rerank": "texts" } as const;

/**
 * Speaks the three APIs as their documentation has them, best first, and refuses with 422 what they do not know: Cohere's at /v2/rerank,
 * Jina's at /v1/rerank, that of text-embeddings-inference at /rerank. The test that starts it closes it.
 */
export async function startFakeReranker(given: FakeRerankBehaviour = {}): Promise<FakeReranker> {
  let behaviour = given;
  const requests: FakeRerankRequest[] = [];
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });

  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const closed = once(response, "close").then(() => {});
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const path = incoming.url ?? "";
    const key = /^Bearer (.*)$/.exec(incoming.headers.authorization ?? "")?.[1] ?? "";
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
    requests.push({ path, key, body, closed });
    const { status, headers = {}, delayMs = 0, hang, cut, endless, text } = behaviour;
    if (hang || !(await waitUnlessClosed(response, delayMs))) return;
    const error = status ?? (isWellAsked(path, body) ? undefined : 422);
    response.writeHead(error ?? 200, { "content-type": "application/json", ...headers });
    if (endless) return pour(response, closed);
    const reply = error === undefined ? (text ?? JSON.stringify(rank(path, body, behaviour))) : `refused: ${key}`;
    if (!cut) return void response.end(reply);
    response.write(reply.slice(0, reply.length / 2));
    await waitUnlessClosed(response, 1);
    response.destroy();
  };

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    cohereUrl: `${origin}/v2/rerank`,
    jinaUrl: `${origin}/v1/rerank`,
    teiUrl: `${origin}/rerank`,
    requests,
    set: (next) => void (behaviour = next),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function isWellAsked(path: string, { query, model, ...body }: Readonly<Record<string, unknown>>): boolean {
  const field = paths[path as keyof typeof paths];
  const texts = field === undefined ? undefined : body[field];
  const areTexts = Array.isArray(texts) && texts.length > 0 && texts.every((text) => typeof text === "string");
  return areTexts && typeof query === "string" && (path === "/rerank" || typeof model === "string");
}

function rank(path: string, body: Readonly<Record<string, unknown>>, behaviour: FakeRerankBehaviour): unknown {
  const texts = body[paths[path as keyof typeof paths]] as readonly string[];
  const { score = (text: string) => 1 / [...text].length, results: change = (results) => results } = behaviour;
  const scored = texts
    .map((text, index) => ({ index, value: score(text, String(body["query"])) }))
    .sort((left, right) => right.value - left.value);
  if (path === "/rerank") return change(scored.map(({ index, value }) => ({ index, score: value })));
  const top = typeof body["top_n"] === "number" ? body["top_n"] : scored.length;
  const results = scored.slice(0, top).map(({ index, value }) => ({ index, relevance_score: value }));
  return { id: "fake", results: change(results) };
}

async function pour(response: ServerResponse, closed: Promise<void>): Promise<void> {
  const piece = " ".repeat(64 * 1024);
  while (!response.closed) {
    if (!response.write(piece)) await Promise.race([once(response, "drain"), closed]);
    // A turn of the loop, so that others live.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
