import { setTimeout as sleep } from "node:timers/promises";
import type { Collection, QuartetClient } from "@quartet/client";

export interface WaitOptions {
  readonly client: QuartetClient;
  /** The collections; one that does not exist, such as an empty one, is not waited for. */
  readonly collections: ReadonlySet<string>;
  readonly signal: AbortSignal;
  /** How long at most, in milliseconds. */
  readonly limitMs: number;
  readonly onProgress: (readyCount: number, passageCount: number) => void;
}

const pollMs = 250;

/**
 * Waits until the keyword index shows everything and every passage has a vector in the embedder's space.
 *
 * @returns whether that is so; false when the time is up
 */
export async function waitUntilSearchable(options: WaitOptions): Promise<boolean> {
  const { client, collections, signal, limitMs, onProgress } = options;
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await listCollections(client, signal);
    const awaited = found.filter(({ state }) => collections.has(state?.collection ?? ""));
    const ready = awaited.reduce((sum, collection) => sum + doneCountOf(collection), 0);
    const passages = awaited.reduce((sum, { passageCount }) => sum + Number(passageCount), 0);
    onProgress(ready, passages);
    const isProjected = awaited.every(({ state }) => state !== undefined && state.projectedSeq >= state.recordSeq);
    if (isProjected && ready >= passages) return true;
    if (performance.now() >= deadline) return false;
    await sleep(pollMs, undefined, { signal });
  }
}

/** Vectors in the space that will be searched by, the one being built, where one is; what its embedder refuses is not waited for. */
const doneCountOf = (collection: Collection): number =>
  collection.buildingSpace
    ? Number(collection.buildingVectorCount + collection.buildingRefusedCount)
    : Number(collection.activeVectorCount + collection.activeRefusedCount);

/** All collections, page by page. */
export async function listCollections(client: QuartetClient, signal: AbortSignal): Promise<Collection[]> {
  const collections: Collection[] = [];
  let pageToken = "";
  do {
    const page = await client.documents.listCollections({ pageToken, pageSize: 1000 }, { signal });
    collections.push(...page.collections);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return collections;
}
