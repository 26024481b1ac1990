import { createContextValues } from "@connectrpc/connect";
import type { Collection } from "@quartet/contracts/type/v1/collection";
import type { EmbeddingSpace, Vector } from "@quartet/contracts/type/v1/vector";
import { defaultTenant, principalKey } from "@quartet/rpc";
import type { CollectionProgress, IndexingPorts } from "../domain/indexing/ports.ts";
import type { Call } from "../domain/stages.ts";
import type { EmbeddingHop } from "./embedding.ts";
import type { IndexHop } from "./retrieval.ts";

/** A batch of passages may wait for a rate-limited provider far longer than a question may. */
const EMBED_TIMEOUT_MS = 60_000;
const INDEX_TIMEOUT_MS = 30_000;

const PAGE_SIZE = 1000;

/** A call of the gateway's own, for a tenant but on behalf of no caller. */
export const ownCall = (tenant: string, signal: AbortSignal, timeoutMs: number): Call => ({
  signal,
  timeoutMs,
  floorMs: 0,
  origin: createContextValues().set(principalKey, { tenant, roles: [] }),
});

/** All collections, page by page. */
export async function listAllCollections(
  index: Pick<IndexHop, "listCollections">,
  call: Call,
): Promise<readonly Collection[]> {
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
  const indexCall = (tenant: string, signal: AbortSignal) => ownCall(tenant, signal, INDEX_TIMEOUT_MS);
  return {
    // The embedder has one space for all tenants.
    space: (signal) => embedding.space(indexCall(defaultTenant, signal)),
    collections: async (tenant, signal) => (await listAllCollections(index, indexCall(tenant, signal))).map(toProgress),
    missing: ({ tenant, ...request }, signal) => index.missing(request, indexCall(tenant, signal)),
    embed: (tenant, texts, spaceId, signal) =>
      embedding.embedPassages(texts, spaceId, ownCall(tenant, signal, EMBED_TIMEOUT_MS)),
    store: ({ tenant, ...request }, signal) => index.store(request, indexCall(tenant, signal)),
    refuse: ({ tenant, ...request }, signal) => index.refuse(request, indexCall(tenant, signal)),
    activate: ({ tenant, ...request }, signal) => index.activate(request, indexCall(tenant, signal)),
  };
}

function toProgress(collection: Collection): CollectionProgress {
  const { state, passageCount, activeSpace, activeVectorCount, activeRefusedCount } = collection;
  return {
    collection: state?.collection ?? "",
    passageCount: Number(passageCount),
    activeSpaceId: activeSpace?.id,
    activeVectorCount: Number(activeVectorCount),
    activeRefusedCount: Number(activeRefusedCount),
  };
}
