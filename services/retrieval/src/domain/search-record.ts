import type { Collection } from "./collection.ts";
import type { StoredPassage } from "./document.ts";
import type { FusedHit } from "./fusion.ts";
import type { CallOptions } from "./record-store.ts";
import type { FoundPassage } from "./search-request.ts";
import type { StoreGuards } from "./search-legs.ts";
import type { Stores } from "./stores.ts";

export interface RecordCall {
  readonly signal: AbortSignal;
  /** The most the answer may take, whoever gives it. Infinity for no limit but the signal. */
  readonly limitMs: number;
}

export interface SearchRecordOptions {
  readonly stores: Stores;
  readonly guards: StoreGuards;
  /** The most that one of the two may take for one answer. */
  readonly storeLimitMs: number;
  /** Told why the record could not be asked where the projection is asked in its place, for logs. */
  readonly onRecordError?: ((error: unknown) => void) | undefined;
}

/** The record as searches read it. Where there is a projection, it answers in the record's place while that cannot be asked. */
export interface SearchRecord {
  /** The tenant's collections; throws what the projection failed with when neither answers. */
  collections(tenant: string, call: RecordCall): Promise<CollectionsRead>;
  /** The passages that still exist, and whether they come from the projection. */
  passages(tenant: string, ids: readonly number[], call: RecordCall): Promise<PassagesRead>;
}

interface CollectionsRead {
  readonly collections: readonly Collection[];
  /** Why the record could not be asked; undefined when it could. */
  readonly recordError: unknown;
}

interface PassagesRead {
  readonly passages: ReadonlyMap<number, StoredPassage>;
  readonly fromProjection: boolean;
}

/** Neither the record nor the projection could be asked. */
export class NothingToAskError extends Error {
  readonly recordError: unknown;
  readonly projectionError: unknown;
  constructor(recordError: unknown, projectionError: unknown) {
    super("neither the record nor its projection could be asked", { cause: recordError });
    this.recordError = recordError;
    this.projectionError = projectionError;
  }
}

/**
 * Both throw the caller's reason when its signal is aborted. The record gets half of the time where the projection could answer in its place,
 * so that a record that hangs leaves it time enough.
 */
export function createSearchRecord(options: SearchRecordOptions): SearchRecord {
  const { stores, guards, storeLimitMs, onRecordError } = options;
  const read = async <T>(
    { signal, limitMs }: RecordCall,
    fromRecord: (options: CallOptions) => Promise<T>,
    fromProjection: ((options: CallOptions) => Promise<T>) | undefined,
  ): Promise<{ readonly value: T; readonly recordError: unknown }> => {
    // Without a projection there is nothing to do in the time that a limit would save.
    if (fromProjection === undefined) {
      return { value: await guards.record.run(fromRecord, { signal, limitMs: Infinity }), recordError: undefined };
    }
    const endAt = performance.now() + limitMs;
    try {
      const value = await guards.record.run(fromRecord, { signal, limitMs: Math.min(storeLimitMs, limitMs / 2) });
      return { value, recordError: undefined };
    } catch (recordError) {
      signal.throwIfAborted();
      onRecordError?.(recordError);
      try {
        const leftMs = Math.min(storeLimitMs, endAt - performance.now());
        return { value: await guards.projection.run(fromProjection, { signal, limitMs: leftMs }), recordError };
      } catch (projectionError) {
        signal.throwIfAborted();
        throw new NothingToAskError(recordError, projectionError);
      }
    }
  };
  return {
    async collections(tenant, call) {
      const { projection } = stores;
      const { value, recordError } = await read(
        call,
        (options) => stores.records.collections(tenant, options),
        projection && ((options) => projection.collections(tenant, options)),
      );
      return { collections: value, recordError };
    },
    async passages(tenant, ids, call) {
      const { projection } = stores;
      const { value, recordError } = await read(
        call,
        (options) => stores.records.passages(tenant, ids, options),
        projection && ((options) => projection.passages(tenant, ids, options)),
      );
      return { passages: value, fromProjection: recordError !== undefined };
    },
  };
}

/** Reads the passages of one search: each once, and those that exist no more never again. */
export interface PassageReader {
  read(ids: readonly number[]): Promise<ReadonlyMap<number, StoredPassage>>;
  /** Whether any of them came from the projection. */
  readonly fromProjection: boolean;
}

export function createPassageReader(load: (ids: readonly number[]) => Promise<PassagesRead>): PassageReader {
  const known = new Map<number, StoredPassage>();
  const asked = new Set<number>();
  let fromProjection = false;
  return {
    async read(ids) {
      const unread = ids.filter((id) => !asked.has(id));
      if (unread.length > 0) {
        const loaded = await load(unread);
        fromProjection ||= loaded.fromProjection;
        for (const id of unread) asked.add(id);
        for (const [id, passage] of loaded.passages) known.set(id, passage);
      }
      return known;
    },
    get fromProjection() {
      return fromProjection;
    },
  };
}

/** The first `pageSize` that still exist: what was deleted since the legs ran gives its place to the next. `taken`: how many hits that took. */
export async function readPage(
  hits: readonly FusedHit[],
  pageSize: number,
  { read }: PassageReader,
): Promise<{ readonly passages: readonly FoundPassage[]; readonly taken: number }> {
  const found: FoundPassage[] = [];
  let next = 0;
  while (next < hits.length && found.length < pageSize) {
    const batch = hits.slice(next, next + pageSize - found.length);
    next += batch.length;
    const passages = await read(batch.map(({ passageId }) => passageId));
    for (const { passageId, score, ranks } of batch) {
      const passage = passages.get(passageId);
      if (passage !== undefined) found.push({ ...passage, score, ranks });
    }
  }
  return { passages: found, taken: next };
}
