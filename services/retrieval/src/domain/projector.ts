import { backOffMs, pause } from "@quartet/resilience";
import type { ChangeBatch, Outbox } from "./outbox.ts";
import { IndexMissingError, type ProjectionWriter, type RefusedPassage, type WriteResult } from "./projection.ts";
import { isPassing, type RebuildLease, restoreIndex } from "./rebuild.ts";
import type { CallOptions } from "./record-store.ts";

/** What happens in the background, for metrics and logs. */
export interface ProjectorEvents {
  /** Searches see these changes. */
  projected?(counts: { readonly documentCount: number; readonly passageCount: number }): void;
  /** A passage will never be found; the others of its document are. */
  refused?(passage: RefusedPassage): void;
  /** Nothing is lost: it is tried again after the wait. */
  failed?(error: unknown, waitMs: number): void;
  /** The index that is served was made by another version, for other fields or another analysis. */
  outdated?(index: string): void;
}

export interface ProjectorOptions {
  readonly outbox: Outbox;
  readonly writer: ProjectionWriter;
  readonly lease: RebuildLease;
  readonly events?: ProjectorEvents;
  /** How often the outbox is looked into when nobody says that something is in it. Default: 1,000. */
  readonly pollMs?: number;
  /** A batch has at most this many documents, 200, and bytes of text, 4 MiB. */
  readonly maxDocuments?: number;
  readonly maxTextBytes?: number;
  /** What is not written by then is released: the outbox takes its lease back after a minute. Default: 45,000. */
  readonly batchLimitMs?: number;
  /** Waits after failures are anywhere below this, which doubles up to 10 s. Default: 200. */
  readonly baseBackOffMs?: number;
}

/** Keeps the index up with the record, in the background, for as long as the process runs. */
export interface Projector {
  start(): void;
  /** Something is in the outbox: it is looked into at once, unless it waits after a failure. */
  notify(): void;
  /** Ends what is being written, and resolves when nothing runs any longer. */
  stop(): Promise<void>;
  /** Documents and passages dealt with since the start. */
  readonly counts: ProjectorCounts;
}

export interface ProjectorCounts {
  readonly doneCount: number;
  readonly deadLetterCount: number;
  /** Documents being written now. */
  readonly runningCount: number;
}

const defaults = {
  pollMs: 1_000,
  maxDocuments: 200,
  maxTextBytes: 4 * 1024 ** 2,
  batchLimitMs: 45_000,
  baseBackOffMs: 200,
};
const maxBackOffMs = 10_000;
const maxHalvings = 8;

/**
 *     check --there is an index--> look --changes--> write -> refresh -> complete -> look
 *                                   |  --nothing, or another process is at it--> wait for `notify` or the next poll -> look
 *     any failure --> release, wait with jitter, look; an index that is missing --> check
 *
 * It never gives up: as long as the engine cannot be asked, changes wait in the record.
 */
export function createProjector(options: ProjectorOptions): Projector {
  const { pollMs, baseBackOffMs } = { ...defaults, ...options };
  const { events } = options;
  const counts = { doneCount: 0, deadLetterCount: 0, runningCount: 0 };
  const ended = new AbortController();
  let isChecked = false;
  let failures = 0;
  let isNotified = false;
  let wake: (() => void) | undefined;
  let running: Promise<void> | undefined;

  /** True when there may be more to do at once. */
  const step = async (): Promise<boolean> => {
    const { signal } = ended;
    if (!isChecked) {
      const { outbox, writer, lease } = options;
      const parts = { outbox, writer, lease, onRefused: events?.refused, onRetry: events?.failed };
      isChecked = await restoreIndex(parts, { signal });
      if (!isChecked) return false;
      const serving = await writer.serving({ signal });
      if (serving !== undefined && !writer.isCurrent(serving)) events?.outdated?.(serving);
    }
    // After failures less at once: what is too much for the time, or one document that stands in the way of others, comes to light.
    const share = 2 ** -Math.min(failures, maxHalvings);
    const maxDocuments = Math.max(1, Math.floor((options.maxDocuments ?? defaults.maxDocuments) * share));
    const isLastResort = failures >= maxHalvings;
    return (await projectOnce({ ...options, maxDocuments, isLastResort }, { signal }, counts)) > 0;
  };
  const waitForWork = async () => {
    if (isNotified) return;
    const notified = new Promise<void>((resolve) => (wake = resolve));
    const timer = new AbortController();
    await Promise.race([notified, pause(pollMs, AbortSignal.any([ended.signal, timer.signal])).catch(() => {})]);
    timer.abort();
    wake = undefined;
  };
  const run = async () => {
    while (!ended.signal.aborted) {
      try {
        isNotified = false;
        const hasMore = await step();
        failures = 0;
        if (!hasMore) await waitForWork();
      } catch (error) {
        if (ended.signal.aborted) return;
        if (error instanceof IndexMissingError) isChecked = false;
        failures += 1;
        const waitMs = backOffMs(failures, { baseMs: baseBackOffMs, maxMs: maxBackOffMs });
        events?.failed?.(error, waitMs);
        await pause(waitMs, ended.signal).catch(() => {});
      }
    }
  };

  return {
    counts,
    start() {
      running ??= run();
    },
    notify() {
      isNotified = true;
      wake?.();
    },
    async stop() {
      ended.abort(new Error("the projector is being stopped"));
      await running;
    },
  };
}

export interface ProjectOnceOptions extends Omit<ProjectorOptions, "lease"> {
  /** Whether a document alone in its batch, that fails although the stores are well, is given up: it was tried often. Default: false. */
  readonly isLastResort?: boolean;
}

type Counts = { -readonly [Name in keyof ProjectorCounts]: ProjectorCounts[Name] };

/** Brings the oldest changes into the indexes and gives how many documents that were; 0 when there is nothing to do, or another process is at it. */
export async function projectOnce(
  options: ProjectOnceOptions,
  { signal }: CallOptions,
  counts: Counts = { doneCount: 0, deadLetterCount: 0, runningCount: 0 },
): Promise<number> {
  const { outbox, writer, events } = options;
  const { maxDocuments, maxTextBytes, batchLimitMs } = { ...defaults, ...options };
  const limited = { signal: AbortSignal.any([signal, AbortSignal.timeout(batchLimitMs)]) };
  const batch = await outbox.next({ maxDocuments, maxTextBytes }, limited);
  if (batch === undefined) return 0;
  const documentCount = batch.changes.length;
  let isComplete = false;
  counts.runningCount = documentCount;
  try {
    if (documentCount === 0) return 0;
    const { passageCount, refused } = await write(batch, options, limited);
    await writer.refresh(batch.indexes, limited);
    await batch.complete(limited);
    isComplete = true;
    counts.doneCount += documentCount;
    counts.deadLetterCount += refused.length;
    events?.projected?.({ documentCount, passageCount });
    for (const passage of refused) events?.refused?.(passage);
    return documentCount;
  } finally {
    counts.runningCount = 0;
    if (!isComplete) await batch.release();
  }
}

/** One document that cannot be written by a defect of ours holds up the others no longer than it takes to be alone, and sure of it. */
async function write(
  { indexes, changes }: ChangeBatch,
  { writer, isLastResort = false }: ProjectOnceOptions,
  options: CallOptions,
): Promise<WriteResult> {
  try {
    return await writer.write(indexes, changes, options);
  } catch (error) {
    options.signal.throwIfAborted();
    const [change] = changes;
    if (!isLastResort || changes.length > 1 || change === undefined || isPassing(error)) throw error;
    const passages = change.current?.passages ?? [];
    const removedPassageIds = [...change.removedPassageIds, ...passages.map(({ id }) => id)];
    // Not found as it was before either.
    await writer.write(indexes, [{ ...change, current: undefined, removedPassageIds }], options);
    const { tenant, documentId } = change;
    const reason = error instanceof Error ? error.name : "unknown error";
    return {
      passageCount: passages.length,
      refused: passages.map(({ id }) => ({ tenant, documentId, passageId: id, reason })),
    };
  }
}
