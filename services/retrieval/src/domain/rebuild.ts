import { backOffMs, pause } from "@quartet/resilience";
import type { DocumentChange, Outbox, OutboxCursor } from "./outbox.ts";
import type { ProjectionWriter, RefusedPassage } from "./projection.ts";
import type { CallOptions } from "./record-store.ts";
import { StoreBusyError, StoreTimeoutError, StoreUnavailableError } from "./store-errors.ts";

/** Lets one process at a time build an index. */
export interface RebuildLease {
  /** Runs the work unless another does: then gives undefined. Its signal is aborted with the caller's, and when the lease is lost. */
  tryRun<Result>(
    work: (signal: AbortSignal) => Promise<Result>,
    options: CallOptions,
  ): Promise<{ readonly result: Result } | undefined>;
}

export interface RebuildProgress {
  /** Documents written. */
  readonly doneCount: number;
  /** Documents in all, as known now. */
  readonly totalCount: number;
}

/** An index is being built already, by this process or another. */
export class RebuildRunningError extends Error {}

const isRunning = "an index is being built already";

/** The new index does not hold what the record holds. The old one stays. */
export class RebuildMismatchError extends Error {
  constructor(documentCount: number, foundCount: number) {
    super(`the new index has ${foundCount} of ${documentCount} documents`);
  }
}

export interface RebuildParts {
  readonly outbox: Outbox;
  readonly writer: ProjectionWriter;
  readonly lease: RebuildLease;
  readonly onRefused?: ((passage: RefusedPassage) => void) | undefined;
  /** A page could not be written; it is tried again after the wait. */
  readonly onRetry?: ((error: unknown, waitMs: number) => void) | undefined;
  readonly limits?: Partial<RebuildLimits>;
}

export interface RebuildLimits {
  readonly maxDocuments: number;
  readonly maxTextBytes: number;
  /**
   * A page that could not be written for this long is read anew: a document deleted meanwhile would come back once the engine has forgotten
   * its deletion, which it remembers for an hour.
   */
  readonly maxPageAgeMs: number;
  /** How long an engine that cannot be asked is waited for before the rebuild fails. */
  readonly patienceMs: number;
  readonly baseBackOffMs: number;
  /** How long the way back may take when it failed or was stopped. */
  readonly cleanUpMs: number;
}

const defaultLimits: RebuildLimits = {
  maxDocuments: 200,
  maxTextBytes: 4 * 1024 ** 2,
  maxPageAgeMs: 10 * 60_000,
  patienceMs: 5 * 60_000,
  baseBackOffMs: 200,
  cleanUpMs: 15_000,
};

/**
 * Builds the index anew from the record and answers searches from it, from one moment to the next:
 *
 *     changes go to [old] -> [old, new], while all documents are copied to new -> compared -> new is served -> [new]
 *
 * Changes made meanwhile go to both, and copies never overwrite them, because each carries the document's number. Stopped or failed, changes
 * go to [old] again and the new index is dropped. What a killed process left half built is dropped by the next rebuild.
 *
 * @throws {RebuildRunningError}, {RebuildMismatchError}, the signal's reason, and what the stores throw
 */
export async function rebuildIndex(
  parts: RebuildParts,
  { signal, onProgress }: CallOptions & { readonly onProgress?: (progress: RebuildProgress) => void },
): Promise<void> {
  const ran = await parts.lease.tryRun(
    async (leased) => {
      const old = await parts.writer.serving({ signal: leased });
      await dropLeftOvers(parts, old, leased);
      await build(parts, old, leased, onProgress);
    },
    { signal },
  );
  if (ran === undefined) throw new RebuildRunningError(isRunning);
}

/**
 * Makes sure that there is an index, that searches are answered from it and that changes go to it: builds it where there is none, or one that
 * changes did not go to, and forgets what a killed process left half built. False when another process is at it.
 */
export async function restoreIndex(parts: RebuildParts, { signal }: CallOptions): Promise<boolean> {
  const { outbox, writer, lease } = parts;
  const ran = await lease.tryRun(
    async (leased) => {
      const options = { signal: leased };
      const serving = await writer.serving(options);
      const indexes = await outbox.indexes(options);
      const isFollowing = serving !== undefined && indexes.includes(serving);
      if (isFollowing && indexes.length === 1) return;
      // What was left is deleted only once another is served: until then it may be all there is to look into.
      if (!isFollowing) await build(parts, undefined, leased);
      await dropLeftOvers(parts, await writer.serving(options), leased);
    },
    { signal },
  );
  return ran !== undefined;
}

/** Changes go to `kept` alone, and every other index is deleted that no search is answered from. */
async function dropLeftOvers({ outbox, writer }: RebuildParts, kept: string | undefined, signal: AbortSignal) {
  const options = { signal };
  const following = await outbox.indexes(options);
  const wanted = following.filter((index) => index === kept);
  if (wanted.length !== following.length) await outbox.setIndexes(wanted, options);
  const serving = await writer.serving(options);
  for (const index of await writer.indexes(options)) {
    if (index !== kept && index !== serving) await writer.drop(index, options);
  }
}

async function build(
  parts: RebuildParts,
  old: string | undefined,
  signal: AbortSignal,
  onProgress?: (progress: RebuildProgress) => void,
): Promise<void> {
  const { outbox, writer } = parts;
  const options = { signal };
  const before = await writer.serving(options);
  const fresh = await writer.create(options);
  let isServed = false;
  try {
    await outbox.setIndexes(old === undefined ? [fresh] : [old, fresh], options);
    const leftOut = await copyDocuments(parts, fresh, signal, onProgress);
    await writer.refresh([fresh], options);
    await compare(parts, fresh, leftOut, signal);
    // The loss of the lease is noticed late: by now another process may be building an index, and changes would not go there any more.
    if (!(await outbox.indexes(options)).includes(fresh)) throw new RebuildRunningError(isRunning);
    await writer.serve(fresh, options);
    isServed = true;
    await outbox.setIndexes([fresh], options);
  } finally {
    if (!isServed) await goBack(parts, old, fresh);
  }
  if (before !== undefined) await writer.drop(before, options);
}

/** The caller's signal may be what ended it. What fails here is put right by the next rebuild, or when the projector meets it. */
async function goBack({ outbox, writer, limits }: RebuildParts, old: string | undefined, fresh: string): Promise<void> {
  const options = { signal: AbortSignal.timeout({ ...defaultLimits, ...limits }.cleanUpMs) };
  try {
    // Not where another process has begun a rebuild of its own since.
    if ((await outbox.indexes(options)).includes(fresh))
      await outbox.setIndexes(old === undefined ? [] : [old], options);
    await writer.drop(fresh, options);
  } catch {
    // The error that ended the rebuild is the one to be told.
  }
}

/** Gives how many documents are not in the index: without a passage, or without their first one because it was refused. */
async function copyDocuments(
  parts: RebuildParts,
  index: string,
  signal: AbortSignal,
  onProgress?: (progress: RebuildProgress) => void,
): Promise<number> {
  const { outbox, onRefused, limits } = parts;
  const { maxDocuments, maxTextBytes } = { ...defaultLimits, ...limits };
  let totalCount = await outbox.documentCount({ signal });
  let doneCount = 0;
  let leftOut = 0;
  onProgress?.({ doneCount, totalCount });
  for (let after: OutboxCursor | undefined; ;) {
    const readPage = () => outbox.documents({ after, maxDocuments, maxTextBytes }, { signal });
    const { changes, next, refused } = await writePage(parts, index, readPage, signal);
    for (const passage of refused) onRefused?.(passage);
    const refusedIds = new Set(refused.map(({ passageId }) => passageId));
    const isFound = ({ current }: DocumentChange) =>
      current?.passages.some(({ id, ordinal }) => ordinal === 0 && !refusedIds.has(id)) ?? false;
    leftOut += changes.filter((change) => !isFound(change)).length;
    doneCount += changes.length;
    totalCount = Math.max(totalCount, doneCount);
    onProgress?.({ doneCount, totalCount });
    if (next === undefined) return leftOut;
    after = next;
  }
}

type Page = Awaited<ReturnType<Outbox["documents"]>>;

/** Writes one page, again and again while the stores cannot be asked. */
async function writePage(
  { writer, limits, onRetry }: RebuildParts,
  index: string,
  readPage: () => Promise<Page>,
  signal: AbortSignal,
): Promise<Page & { readonly refused: readonly RefusedPassage[] }> {
  const { maxPageAgeMs, patienceMs, baseBackOffMs } = { ...defaultLimits, ...limits };
  const started = performance.now();
  let readAt = 0;
  let page: Page | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (page === undefined || performance.now() - readAt > maxPageAgeMs / 2) {
        readAt = performance.now();
        page = await readPage();
      }
      const limit = AbortSignal.timeout(maxPageAgeMs / 2);
      const { refused } = await writer.write([index], page.changes, { signal: AbortSignal.any([signal, limit]) });
      return { ...page, refused };
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error) || performance.now() - started > patienceMs) throw error;
      const waitMs = backOffMs(attempt, { baseMs: baseBackOffMs, maxMs: 10_000 });
      onRetry?.(error, waitMs);
      await pause(waitMs, signal);
    }
  }
}

/** Of a store that may answer another time; at the page's own limit, the signal's. */
export function isPassing(error: unknown): boolean {
  const kinds = [StoreUnavailableError, StoreBusyError, StoreTimeoutError];
  return kinds.some((kind) => error instanceof kind) || (error as Error | undefined)?.name === "TimeoutError";
}

const comparisons = 20;

/**
 * Compares how many documents there are with how many are found, at a moment when no change waits. In a record that is never at rest there is no
 * such moment; then it stands on what the engine acknowledged, which is every passage.
 */
async function compare({ outbox, writer }: RebuildParts, index: string, leftOut: number, signal: AbortSignal) {
  const options = { signal };
  for (let round = 0; round < comparisons; round += 1) {
    const before = await outbox.documentCount(options);
    const isQuiet = (await outbox.lag(options)).waitingCount === 0;
    await writer.refresh([index], options);
    const found = await writer.documentCount(index, options);
    const isStill = (await outbox.lag(options)).waitingCount === 0 && (await outbox.documentCount(options)) === before;
    const missing = before - found;
    if (missing >= 0 && missing <= leftOut) return;
    if (isQuiet && isStill) throw new RebuildMismatchError(before, found);
    await pause(250, signal);
  }
}
