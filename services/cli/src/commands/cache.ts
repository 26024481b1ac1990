import path from "node:path";
import { create, toJson } from "@bufbuild/protobuf";
import type { CacheStats } from "@quartet/client";
import { CacheSelectorSchema } from "@quartet/contracts/type/v1/operations";
import { CacheLevel, CacheStatsSchema } from "@quartet/contracts/type/v1/stats";
import { readQuestions } from "../adapters/read-questions.ts";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { showMissing } from "../show-missing.ts";
import { seconds, showTable } from "../show-table.ts";

/** The levels as operators name them. */
export const cacheLevels = {
  embeddings: CacheLevel.EMBEDDINGS,
  results: CacheLevel.SEARCH_RESULTS,
  documents: CacheLevel.DOCUMENTS,
} as const;

export type CacheLevelName = keyof typeof cacheLevels;

/** `quartet cache stats` */
export async function cacheStats({ client, terminal, signal, json }: Context): Promise<ExitCode> {
  const readMask = { paths: ["caches"] };
  const { status } = await client().operations.getPlatformStatus({ readMask }, { signal });
  const { caches = [], degradations = [] } = status ?? {};
  if (json) {
    const all = caches.map((cache) => toJson(CacheStatsSchema, cache, { alwaysEmitImplicit: true }));
    terminal.json({ caches: all, missing: degradations.map(({ hop }) => hop) });
  } else {
    showCaches(caches, terminal);
    showMissing(terminal, degradations);
  }
  return degradations.length === 0 ? exitCodes.ok : exitCodes.failure;
}

/** The figures of caches, one line a level. */
export function showCaches(caches: readonly CacheStats[], terminal: Terminal): void {
  const heads = ["cache", "hits", "hit rate", "misses", "coalesced", "bypassed", "evicted", "invalidated"];
  showTable(terminal, [...heads, "entries", "memory", "oldest"], caches.map(cacheRow));
}

function cacheRow(cache: CacheStats): string[] {
  const { level, hitCount, missCount, coalescedCount, bypassCount } = cache;
  const name = Object.entries(cacheLevels).find(([, known]) => known === level)?.[0] ?? String(level);
  const asked = Number(hitCount + missCount + coalescedCount + bypassCount);
  const rate = asked === 0 ? "" : `${Math.round((100 * Number(hitCount)) / asked)} %`;
  return [
    ...[name, String(hitCount), rate, String(missCount), String(coalescedCount), String(bypassCount)],
    ...[String(cache.evictionCount), String(cache.invalidationCount), String(cache.entryCount)],
    ...[`${(Number(cache.byteCount) / 1024 ** 2).toFixed(1)} MiB`, seconds(cache.oldestAge)],
  ];
}

export interface ClearOptions {
  /** Default: all. */
  readonly level?: readonly CacheLevelName[];
  readonly pattern: string;
}

/** `quartet cache clear`: fails where a replica is to do it later. */
export async function clearCache(context: Context, { level = [], pattern }: ClearOptions): Promise<ExitCode> {
  const { terminal, signal, json } = context;
  const levels = [...new Set(level.map((name) => cacheLevels[name]))];
  const selector = create(CacheSelectorSchema, { levels, keyPattern: pattern });
  const { removedCount, degradations } = await context.client().operations.invalidateCache({ selector }, { signal });
  if (json) terminal.json({ removed: Number(removedCount), missing: degradations.map(({ hop }) => hop) });
  else terminal.line(`${removedCount} entries removed.`);
  showMissing(terminal, degradations);
  return degradations.length === 0 ? exitCodes.ok : exitCodes.failure;
}

export interface WarmOptions {
  /** How many of the most frequent, where no file is named. */
  readonly frequent: number;
}

/** In one call: even the longest questions fit into a message. */
const batchSize = 250;
/** Where no bar is drawn, a line is told this often at most. */
const lineEveryMs = 5_000;

/** `quartet cache warm [FILE]`: fails where a question did. */
export async function warmCache(context: Context, { frequent }: WarmOptions, file?: string): Promise<ExitCode> {
  const { client, terminal, signal, json } = context;
  const questions = file === undefined ? [] : await readQuestions(path.resolve(context.workingDirectory, file), signal);
  if (file !== undefined && questions.length === 0) {
    terminal.problem('The file holds no question: write one a line, or {"text": ...} a line in a .jsonl file.');
    return exitCodes.nothingFound;
  }
  const requests = file === undefined ? [{ frequentCount: frequent }] : batchesOf(questions);
  const bar = terminal.progress("Warming");
  const sum = { done: 0, failed: 0, total: questions.length };
  let toldAt = performance.now();
  try {
    for (const request of requests) {
      const before = { ...sum };
      // It takes as long as there are questions.
      for await (const progress of client().operations.warmCache(request, { signal, timeoutMs: 0 })) {
        sum.done = before.done + progress.doneCount;
        sum.failed = before.failed + progress.failedCount;
        sum.total = Math.max(questions.length, progress.totalCount);
        const detail = `${sum.done} of ${sum.total} questions, ${sum.failed} failed`;
        bar.update(sum.total === 0 ? 1 : sum.done / sum.total, detail);
        if (bar.isShown || performance.now() - toldAt < lineEveryMs) continue;
        toldAt = performance.now();
        terminal.note(detail);
      }
    }
  } finally {
    bar.end();
  }
  if (json) terminal.json(sum);
  else if (sum.total === 0) terminal.note("No question was asked lately. Name a file with questions, one a line.");
  else terminal.line(`${sum.done - sum.failed} questions warmed, ${sum.failed} failed.`);
  if (sum.total === 0) return exitCodes.nothingFound;
  return sum.failed === 0 ? exitCodes.ok : exitCodes.failure;
}

function batchesOf(questions: readonly string[]): { readonly queries: string[] }[] {
  const count = Math.ceil(questions.length / batchSize);
  return Array.from({ length: count }, (_, index) => ({
    queries: questions.slice(index * batchSize, (index + 1) * batchSize),
  }));
}
