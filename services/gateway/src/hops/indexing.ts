import type { Collection } from "@quartet/contracts/type/v1/collection";
import type { EmbeddingSpace, Vector } from "@quartet/contracts/type/v1/vector";
import type { CollectionProgress, IndexingPorts } from "../domain/indexing/ports.ts";
import type { Call } from "../domain/stages.ts";
import type { EmbeddingHop } from "./embedding.ts";
import type { IndexHop } from "./retrieval.ts";

/** A batch of passages may wait for a rate-limited provider far longer than a question may. */
const EMBED_TIMEOUT_MS = 60_000;
const INDEX_TIMEOUT_MS = 30_000;

const PAGE_SIZE = 1000;

/** A call of the gateway's own, on behalf of no caller. */
export const ownCall = (signal: AbortSignal, timeoutMs: number): Call => ({
  signal,
  timeoutMs,
  floorMs: 0,
  origin: undefined,
});

/** All collections, page by page. */
export async function listAllCollections(index: IndexHop, call: Call): Promise<readonly Collection[]> {
  const all: Collection[] = [];
  let pageToken = "";
  do {
    const page = await index.listCollections({ pageSize: PAGE_SIZE, pageToken }, call);
    all.push(...page.collections);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return all;
}

/** The embedding and the retrieval service as the worker sees them. */
export function createIndexingPorts(embedding: EmbeddingHop, index: IndexHop): IndexingPorts<EmbeddingSpace, Vector> {
  return {
    space: (signal) => embedding.space(ownCall(signal, INDEX_TIMEOUT_MS)),
    collections: async (signal) => (await listAllCollections(index, ownCall(signal, INDEX_TIMEOUT_MS))).map(toProgress),
    missing: (request, signal) => index.missing(request, ownCall(signal, INDEX_TIMEOUT_MS)),
    embed: (texts, spaceId, signal) => embedding.embedPassages(texts, spaceId, ownCall(signal, EMBED_TIMEOUT_MS)),
    store: (request, signal) => index.store(request, ownCall(signal, INDEX_TIMEOUT_MS)),
    activate: (request, signal) => index.activate(request, ownCall(signal, INDEX_TIMEOUT_MS)),
  };
}

function toProgress({ state, passageCount, activeSpace, activeVectorCount }: Collection): CollectionProgress {
  return {
    collection: state?.collection ?? "",
    passageCount: Number(passageCount),
    activeSpaceId: activeSpace?.id,
    activeVectorCount: Number(activeVectorCount),
  };
}
