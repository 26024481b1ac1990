import { reasonFor } from "../stages.ts";
import { embedContents } from "./embed-contents.ts";
import { createLane } from "./lane.ts";
import type { Pace } from "./pace.ts";
import type { CollectionProgress, Content, IndexingPorts, Space } from "./ports.ts";
import type { RefusedContents } from "./refused-contents.ts";

/** What happened, for metrics and logs. */
export interface IndexingEvents {
  stored(passageCount: number): void;
  /** A collection that had no vector has some, so that there is a space to search by. */
  firstVectors(tenant: string): void;
  /** A turn has brought a collection as far as it goes. */
  indexed(collection: string, passageCount: number): void;
  /** Contents that cannot be embedded; keywords alone find them. */
  refused(collection: string, contentCount: number): void;
  activated(tenant: string, collection: string, spaceId: string): void;
}

export interface IndexerOptions<S extends Space, V> {
  readonly ports: IndexingPorts<S, V>;
  readonly refused: RefusedContents;
  readonly events: IndexingEvents;
  /** The most texts of the next batch: few while somebody waits for an answer. */
  readonly batchSize: () => number;
  /** How many texts the embedder is given at once, below that. */
  readonly pace: Pace;
  /** Lets everything else that waits for the event loop go first. */
  readonly pause: () => Promise<void>;
  /** Pages of a collection before it is the next one's turn, so that a large collection keeps no other waiting. Default 16. */
  readonly pagesPerTurn?: number;
}

export interface Indexer {
  /**
   * Brings a tenant's collections towards the embedder's space, each by a turn; how many passages got a vector. Nothing is left when
   * that is 0. A collection that fails holds up no other.
   *
   * @throws what the first collection that failed did with, when all had their turn or too many failed in a row
   */
  indexTenant(tenant: string, signal: AbortSignal): Promise<number>;
  /** Brings some documents up to it, ahead of everything else; how many contents were refused. */
  indexDocuments(
    request: { readonly tenant: string; readonly collection: string; readonly documentIds: readonly string[] },
    signal: AbortSignal,
  ): Promise<number>;
}

interface Scope {
  readonly tenant: string;
  readonly collection: string;
  readonly documentIds: readonly string[];
  readonly urgent: boolean;
  readonly maxPages: number;
}

const PAGE_SIZE = 128;

/** No embedder refuses this for what it says. */
const PROBE_TEXT = "quartet";

/** So many collections that fail one after the other fail for a reason that they share. */
const MAX_FAILURES_IN_A_ROW = 3;

/** Pages through what has no vector, embeds it in batches, one at a time, and stores them. */
export function createIndexer<S extends Space, V>({
  ports,
  refused,
  events,
  batchSize,
  pace,
  pause,
  pagesPerTurn = 16,
}: IndexerOptions<S, V>): Indexer {
  const lane = createLane();

  const indexBatch = async (contents: readonly Content[], space: S, scope: Scope, signal: AbortSignal) => {
    const { tenant, collection } = scope;
    const embed = (texts: readonly string[]) => ports.embed(tenant, texts, space.id, signal);
    const batch = await embedContents(contents, (texts) => pace.run(texts.length, () => embed(texts)));
    if (batch.refused.length > 0) {
      const isEmbedderWell = batch.vectors.length > 0 || (await takes(PROBE_TEXT, embed, signal));
      for (const content of batch.refused) {
        const isForGood = batch.refusedForGood.includes(content);
        refused.add(space.id, content.contentHash, { isEmbedderWell, isForGood });
      }
      events.refused(collection, batch.refused.length);
    }
    if (batch.vectors.length === 0) return 0;
    const count = await ports.store({ tenant, collection, space, vectors: batch.vectors }, signal);
    events.stored(count);
    return count;
  };

  /** Those of before as well, where they could not be noted then: in a space without a vector nothing is. */
  const noteRefused = async (contents: readonly Content[], space: S, scope: Scope, signal: AbortSignal) => {
    const { tenant, collection } = scope;
    const hashes = contents.map(({ contentHash }) => contentHash);
    const contentHashes = hashes.filter((hash) => refused.isForGood(space.id, hash));
    if (contentHashes.length === 0) return;
    const notedCount = await ports.refuse({ tenant, collection, space, contentHashes }, signal);
    // The index remembers them now, it alone: what it lists again all the same, an operator wants to be tried again.
    if (notedCount > 0) for (const hash of contentHashes) refused.forget(space.id, hash);
  };

  const indexMissing = async (space: S, scope: Scope, signal: AbortSignal) => {
    const { tenant, collection, documentIds, urgent, maxPages } = scope;
    const sum = { stored: 0, refused: 0, isWhole: true };
    let pageToken = "";
    let pages = 0;
    do {
      const request = { tenant, collection, spaceId: space.id, documentIds, pageSize: PAGE_SIZE, pageToken };
      const page = await ports.missing(request, signal);
      const wanted = page.contents.filter(({ contentHash }) => !refused.has(space.id, contentHash));
      // A page of nothing but what is refused costs no turn.
      if (wanted.length > 0) pages += 1;
      while (wanted.length > 0) {
        const batch = wanted.splice(0, Math.min(batchSize(), pace.size()));
        sum.stored += await lane.run(() => indexBatch(batch, space, scope, signal), { urgent });
        await pause();
        signal.throwIfAborted();
      }
      sum.refused += page.contents.filter(({ contentHash }) => refused.has(space.id, contentHash)).length;
      await noteRefused(page.contents, space, scope, signal);
      pageToken = page.nextPageToken;
      if (pageToken !== "" && pages >= maxPages) return { ...sum, isWhole: false };
    } while (pageToken !== "");
    return sum;
  };

  const indexCollection = async (
    tenant: string,
    space: S,
    progress: CollectionProgress,
    signal: AbortSignal,
  ): Promise<number> => {
    const { collection, activeSpaceId } = progress;
    if (isComplete(progress, space.id)) return 0;
    const scope = { tenant, collection, documentIds: [], urgent: false, maxPages: pagesPerTurn };
    const sum = await indexMissing(space, scope, signal);
    if (sum.stored > 0) events.indexed(collection, sum.stored);
    if (sum.stored > 0 && activeSpaceId === undefined) events.firstVectors(tenant);
    const switches = activeSpaceId !== undefined && activeSpaceId !== space.id && sum.isWhole;
    if (switches && (await activate(ports, { tenant, collection, spaceId: space.id }, signal))) {
      events.activated(tenant, collection, space.id);
    }
    return sum.stored;
  };

  return {
    async indexTenant(tenant, signal) {
      const space = await ports.space(signal);
      let count = 0;
      const failures: unknown[] = [];
      let inARow = 0;
      for (const progress of await ports.collections(tenant, signal)) {
        try {
          count += await indexCollection(tenant, space, progress, signal);
          inARow = 0;
        } catch (error) {
          signal.throwIfAborted();
          failures.push(error);
          inARow += 1;
          if (inARow >= MAX_FAILURES_IN_A_ROW) break;
        }
      }
      if (failures.length > 0) throw failures[0];
      return count;
    },
    async indexDocuments({ tenant, collection, documentIds }, signal) {
      const space = await ports.space(signal);
      const scope = { tenant, collection, documentIds, urgent: true, maxPages: Infinity };
      return (await indexMissing(space, scope, signal)).refused;
    },
  };
}

/** Whether the embedder makes a vector of a text now. */
async function takes(
  text: string,
  embed: (texts: readonly string[]) => Promise<readonly unknown[]>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await embed([text]);
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Whether there is surely nothing to do; a collection without passages has nothing to search, in whatever space. */
const isComplete = (progress: CollectionProgress, spaceId: string): boolean => {
  const { passageCount, activeSpaceId, activeVectorCount, activeRefusedCount } = progress;
  return passageCount === 0 || (activeSpaceId === spaceId && activeVectorCount + activeRefusedCount >= passageCount);
};

/** False when documents were put meanwhile, which the next round sees. */
async function activate<S extends Space, V>(
  ports: IndexingPorts<S, V>,
  request: { readonly tenant: string; readonly collection: string; readonly spaceId: string },
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
