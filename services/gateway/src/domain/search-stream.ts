import { reasonOf, retryDelayMsOf, type Reason } from "@quartet/errors";
import type { Degradation, Timings } from "./outcome.ts";
import type { Carried, SearchPorts, SearchResult } from "./ports.ts";
import { embedQuery, type Retrieval, searchPage } from "./retrieve.ts";
import { createSeenPassages } from "./seen-passages.ts";
import { type Run, timingsOf } from "./stages.ts";

export interface StreamedSearch<C extends Carried> extends Retrieval<C> {
  /** Of a page; at least 1. */
  readonly pageSize: number;
  /** The most passages in all. */
  readonly maxPassageCount: number;
}

export interface StreamedPage<C extends Carried> {
  readonly result: SearchResult<C>;
  readonly degradations: readonly Degradation[];
  readonly timings: Timings;
  readonly last: boolean;
}

export interface StreamParts<C extends Carried> {
  readonly ports: SearchPorts<C>;
  /** Begins the run of a page, within what the call has left. */
  readonly beginRun: (plan: "search" | "furtherPage") => Run;
  /** Resolves after the time, or early when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A store that was busy or away for a moment: nobody else tries again, and the same page can be asked for once more. */
const passing: ReadonlySet<Reason> = new Set(["UPSTREAM_FAILED", "OVERLOADED"]);
const attemptsPerPage = 3;
const defaultRetryDelayMs = 1_000;

/**
 * Searches page after page, each only when the one before was taken. The query is embedded once. A passage that was given is never given again,
 * even if a change between two pages moved it; only what was given since this call began is known.
 *
 * @throws what a page fails with, at last; the pages before it stand, and the last one's token goes on from there.
 */
export async function* searchStream<C extends Carried>(
  search: StreamedSearch<C>,
  { ports, beginRun, sleep }: StreamParts<C>,
): AsyncGenerator<StreamedPage<C>, void, undefined> {
  const seen = createSeenPassages();
  let left = search.maxPassageCount;
  let { pageToken = "" } = search;
  let attempts = 1;
  let run = beginRun("search");
  const vector = await embedQuery(search, run, ports);
  for (;;) {
    const page = { ...search, pageToken, pageSize: Math.min(search.pageSize, left) };
    const result = await patiently(attempts, sleep, run.signal, () => searchPage(page, vector, run, ports));
    const passages = result.passages.filter((passage) => seen.add(passage));
    left -= passages.length;
    const last = result.nextPageToken === "" || left === 0;
    if (last || passages.length > 0) {
      yield { result: { ...result, passages }, degradations: run.degradations, timings: timingsOf(run), last };
    }
    if (last) return;
    pageToken = result.nextPageToken;
    attempts = attemptsPerPage;
    run = beginRun("furtherPage");
  }
}

async function patiently<T>(
  attempts: number,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const reason = reasonOf(error);
      if (attempt >= attempts || reason === undefined || !passing.has(reason)) throw error;
      await sleep(retryDelayMsOf(error) ?? defaultRetryDelayMs, signal);
      signal.throwIfAborted();
    }
  }
}
