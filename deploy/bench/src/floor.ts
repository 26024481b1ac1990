/**
 * The floor, as a process: the same store, BM25, vectors, fusion and cache as the services have, called directly behind a bare node:http
 * server. `node floor.ts FOLDER`; it says where it listens.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createCache } from "@quartet/cache";
import { createSearcher, type EmbeddedStore, openEmbeddedStore, putDocuments } from "@quartet/retrieval-service/floor";
import { hashedEmbedding } from "@quartet/text";
import { quantizeInt8 } from "@quartet/vector";
import type { FloorMemory } from "./client.ts";
import type { BenchDocument } from "./corpus.ts";
import { hybridRequest } from "./hybrid-request.ts";
import { load } from "./load.ts";

const tenant = "default";
const space = {
  id: "b".repeat(32),
  dimensions: 2048,
  kind: "hashed",
  denseWeight: 0.15,
  cacheThreshold: 2,
  model: "floor",
} as const;
const { signal } = new AbortController();
const store = await openEmbeddedStore({ folder: process.argv[2] ?? "." });
const search = createSearcher({
  stores: store,
  sources: [{ name: "corpus", kind: "hybrid" }],
  legTimeLimitMs: 2_000,
});
const embeddings = createCache<string, Float32Array>({ maxEntries: 10_000 });

/** One hybrid search, from the question's text to the text of its passages, and how its legs went. */
async function answer(query: string) {
  const text = query.normalize("NFC");
  const embedding = await embeddings.getOrLoad(text, async () => hashedEmbedding(text));
  const { bytes: values, scale } = quantizeInt8(embedding);
  const { passages, legs, collections } = await search(
    tenant,
    hybridRequest(text, { value: { kind: "int8", values, scale }, spaceId: space.id }),
    { signal, grantMs: 30_000 },
  );
  return { passages, legs, collections };
}

/** Stores documents with their vectors, as a put that waits until they are searchable. */
async function put(documents: readonly BenchDocument[]) {
  const rest = { mediaType: "", collection: "", tags: [], taxonomyPath: "", metadata: {}, language: "", uri: "" };
  const given = documents.map((document) => ({ ...document, ...rest }));
  const { collections } = await putDocuments(store, tenant, given, { signal });
  for (const { collection } of collections) await embedMissing(store, collection);
  return {};
}

async function embedMissing({ vectors }: EmbeddedStore, collection: string): Promise<void> {
  let afterPassageId: number | undefined = 0;
  while (afterPassageId !== undefined) {
    const query = { collection, spaceId: space.id, documentIds: [], afterPassageId, limit: 128 };
    const page = await vectors.missing(tenant, query, { signal });
    const made = page.contents.map(({ contentHash, text }) => {
      const { bytes: values, scale } = quantizeInt8(hashedEmbedding(text));
      return { contentHash, vector: { kind: "int8", values, scale: scale || 1 } as const };
    });
    if (made.length > 0) await vectors.put(tenant, collection, space, made, { signal });
    afterPassageId = page.nextAfterPassageId;
  }
}

/** The same load without any server: what the calls themselves cost. */
async function loadDirectly({ queries, ...options }: { queries: string[]; inFlight: number; durationMs: number }) {
  const send = async (index: number) => void (await answer(queries[index % queries.length] ?? ""));
  const cpuMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  return await load({ ...options, send, cpuMs });
}

/** What is held in memory once everything that may be collected is; needs --expose-gc. */
async function memory(): Promise<FloorMemory> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const collections = await store.records.collections(tenant, { signal });
  const passageCount = collections.reduce((sum, collection) => sum + collection.passageCount, 0);
  return { heldBytes: heapUsed + arrayBuffers, passageCount };
}

const routes: Readonly<Record<string, (body: never) => Promise<unknown>>> = {
  "/search": ({ query }: { query: string }) => answer(query),
  "/documents": ({ documents }: { documents: BenchDocument[] }) => put(documents),
  "/load": loadDirectly,
  "/memory": memory,
};

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const route = routes[request.url ?? ""];
    const result = await route?.((await readJson(request)) as never);
    response.writeHead(route === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(result));
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    response.writeHead(500).end();
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return JSON.parse(text);
}

const server = createServer((request, response) => void respond(request, response));
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`floor listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.once("SIGTERM", () => {
  server.close(() => void store.close());
  server.closeIdleConnections();
});
