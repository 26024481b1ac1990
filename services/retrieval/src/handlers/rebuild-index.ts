import { Code } from "@connectrpc/connect";
import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { quartetError } from "@quartet/errors";
import { pause } from "@quartet/resilience";
import type { Handler } from "@quartet/rpc";
import { toRpcError } from "../convert/errors.ts";
import { type RebuildParts, type RebuildProgress, rebuildIndex } from "../domain/rebuild.ts";

export interface RebuildIndexOptions {
  /** Read at each call; undefined where the keyword index is part of the record. */
  readonly parts: () => RebuildParts | undefined;
  /** Told why an index could not be built, for logs. */
  readonly onFailure: (error: unknown) => void;
  /** Between two reports of how far it has come. Default: 1,000. */
  readonly everyMs?: number;
}

/** Builds the keyword index anew, telling how far it has come; a caller that leaves stops it. */
export function createRebuildIndex({
  parts: readParts,
  onFailure,
  everyMs = 1_000,
}: RebuildIndexOptions): Handler<typeof IndexService.method.rebuildIndex> {
  return async function* (_, { signal }) {
    const parts = readParts();
    if (parts === undefined) throw notEnabled();
    const stop = new AbortController();
    let progress: RebuildProgress = { doneCount: 0, totalCount: 0 };
    let isOver = false;
    const building = rebuildIndex(parts, {
      signal: AbortSignal.any([signal, stop.signal]),
      onProgress: (now) => (progress = now),
    }).finally(() => (isOver = true));
    // It may fail while the caller reads; it is waited for below.
    building.catch(() => {});
    try {
      // A failure ends the wait at once, and is thrown here.
      while (!isOver) {
        yield toMessage(progress);
        const waited = new AbortController();
        await Promise.race([building, pause(everyMs, waited.signal).catch(() => {})]).finally(() => waited.abort());
      }
      await building;
      yield toMessage(progress);
    } catch (error) {
      if (!signal.aborted) onFailure(error);
      throw toRpcError(error);
    } finally {
      stop.abort(new Error("the caller has left"));
      // Until changes go to the old index alone again, which has a limit of its own.
      await building.catch(() => {});
    }
  };
}

function toMessage({ doneCount, totalCount }: RebuildProgress) {
  return { doneCount: BigInt(doneCount), totalCount: BigInt(totalCount) };
}

function notEnabled() {
  return quartetError({
    code: Code.Unimplemented,
    reason: "NOT_ENABLED",
    message: "The keyword index is part of the record here, and is never built anew. There is nothing to do.",
  });
}
