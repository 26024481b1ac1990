import { reasonFor } from "../stages.ts";
import { embedContents } from "./embed-contents.ts";
import { createLane } from "./lane.ts";
import type { CollectionProgress, Content, IndexingPorts, Space } from "./ports.ts";
import type { RefusedContents } from "./refused-contents.ts";

/** What happened, for metrics and logs. */
export interface IndexingEvents {
  stored(collection: string, passageCount: number): void;
  /** A collection that had no vector has some, so that there is a space to search by. */
  firstVectors(collection: string): void;
  /** A round has brought a collection as far as it goes. */
  indexed(collection: string, passageCount: number): void;
  /** Contents that cannot be embedded; keywords alone find them. */
  refused(collection: string, contentCount: number): void;
  activated(collection: string, spaceId: string): void;
}

export interface IndexerOptions<S extends Space, V> {
  readonly ports: IndexingPorts<S, V>;
  readonly refused: RefusedContents;
  readonly events: IndexingEvents;
  /** How many texts go into the next batch: few while somebody waits for an answer. */
  readonly batchSize: () => number;
  /** Lets everything else that waits for the event loop go first. */
  readonly pause: () => Promise<void>;
}

export interface Indexer {
  /** Brings all collections up to the embedder's space; how many passages got a vector. */
  indexAll(signal: AbortSignal): Promise<number>;
  /** Brings some documents up to it, ahead of everything else; how many contents were refused. */
  indexDocuments(
    request: { readonly collection: string; readonly documentIds: readonly string[] },
    signal: AbortSignal,
  ): Promise<number>;
}

interface Scope {
  readonly collection: string;
  readonly documentIds: readonly string[];
  readonly urgent: boolean;
}

const PAGE_SIZE = 128;

/** Pages through what has no vector, embeds it in batches, one at a time, and stores them. */
export function createIndexer<S extends Space, V>({
  ports,
  refused,
  events,
  batchSize,
  pause,
}: IndexerOptions<S, V>): Indexer {
  const lane = createLane();

  const indexBatch = async (contents: readonly Content[], space: S, collection: string, signal: AbortSignal) => {
    const batch = await embedContents(contents, space.id, ports.embed, signal);
    for (const { contentHash } of batch.refused) refused.add(contentHash);
    if (batch.refused.length > 0) events.refused(collection, batch.refused.length);
    if (batch.vectors.length === 0) return 0;
    const count = await ports.store({ collection, space, vectors: batch.vectors }, signal);
    events.stored(collection, count);
    return count;
  };

  const indexMissing = async (space: S, { collection, documentIds, urgent }: Scope, signal: AbortSignal) => {
    const sum = { stored: 0, refused: 0 };
    let pageToken = "";
    do {
      const request = { collection, spaceId: space.id, documentIds, pageSize: PAGE_SIZE, pageToken };
      const page = await ports.missing(request, signal);
      const wanted = page.contents.filter(({ contentHash }) => !refused.has(contentHash));
      while (wanted.length > 0) {
        const batch = wanted.splice(0, batchSize());
        sum.stored += await lane.run(() => indexBatch(batch, space, collection, signal), { urgent });
        await pause();
        signal.throwIfAborted();
      }
      sum.refused += page.contents.filter(({ contentHash }) => refused.has(contentHash)).length;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return sum;
  };

  const indexCollection = async (space: S, progress: CollectionProgress, signal: AbortSignal): Promise<number> => {
    const { collection, activeSpaceId } = progress;
    if (isComplete(progress, space.id)) return 0;
    const sum = await indexMissing(space, { collection, documentIds: [], urgent: false }, signal);
    if (sum.stored > 0) events.indexed(collection, sum.stored);
    if (sum.stored > 0 && activeSpaceId === undefined) events.firstVectors(collection);
    const switches = activeSpaceId !== undefined && activeSpaceId !== space.id;
    if (switches && sum.refused === 0 && (await activate(ports, { collection, spaceId: space.id }, signal))) {
      events.activated(collection, space.id);
    }
    return sum.stored;
  };

  return {
    async indexAll(signal) {
      const space = await ports.space(signal);
      let count = 0;
      for (const progress of await ports.collections(signal)) count += await indexCollection(space, progress, signal);
      return count;
    },
    async indexDocuments({ collection, documentIds }, signal) {
      const space = await ports.space(signal);
      return (await indexMissing(space, { collection, documentIds, urgent: true }, signal)).refused;
    },
  };
}

/** Whether there is surely nothing to do; a collection without passages has nothing to search, in whatever space. */
const isComplete = ({ passageCount, activeSpaceId, activeVectorCount }: CollectionProgress, spaceId: string): boolean =>
  passageCount === 0 || (activeSpaceId === spaceId && activeVectorCount >= passageCount);

/** False when documents were put meanwhile, which the next round sees. */
async function activate<S extends Space, V>(
  ports: IndexingPorts<S, V>,
  request: { readonly collection: string; readonly spaceId: string },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await ports.activate(request, signal);
    return true;
  } catch (error) {
    if (reasonFor(error) === "EMBEDDING_SPACE_INCOMPLETE") return false;
    throw error;
  }
}
