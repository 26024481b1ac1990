import { stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readGraph } from "../adapters/read-graph.ts";
import { explain } from "../adapters/source-files.ts";
import type { Context } from "../context.ts";
import { graphItemKinds } from "../domain/graph-item.ts";
import type { Remark } from "../domain/source-document.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { type GraphCounts, importGraph } from "../importing-graph.ts";

export interface ImportGraphFlags {
  /** Whether to wait until all documents have been looked through for the names. */
  readonly wait: boolean;
  /** In seconds. */
  readonly waitLimit: number;
}

/** Problems are told one by one up to here, and only counted beyond. */
const maxToldProblems = 100;
const deleteBatch = 1000;
const askEveryMs = 500;

/** `quartet graph import FILE...` */
export async function importGraphs(
  context: Context,
  flags: ImportGraphFlags,
  files: readonly string[],
): Promise<ExitCode> {
  const { terminal, signal, json, workingDirectory } = context;
  const startedAt = performance.now();
  const totalBytes = await sizeOf(files, workingDirectory);
  const problems: Remark[] = [];
  const bar = terminal.progress("Importing");
  const counts = await importGraph({
    client: context.client(),
    async *read() {
      for (const file of files) yield* readGraph(file, workingDirectory, signal);
    },
    signal,
    onProblem(problem) {
      if (problems.length >= maxToldProblems) return;
      problems.push(problem);
      if (!json) terminal.problem(`${problem.where}: ${problem.message}`);
    },
    onProgress: ({ read }, bytes) =>
      bar.update(bytes / Math.max(1, totalBytes * graphItemKinds.length), `${sum(read)} items`),
  }).finally(() => bar.end());
  const untold = counts.skipped - problems.length;
  if (untold > 0) terminal.problem(`and ${untold} more problems`);
  if (flags.wait) counts.waitingDocuments = await waitForDocuments(context, counts.waitingDocuments, flags);
  const elapsedMs = Math.round(performance.now() - startedAt);
  const { read, changed, skipped, waitingDocuments } = counts;
  if (json) {
    terminal.json({ ...read, changed, skipped, problems, waiting_documents: waitingDocuments, elapsed_ms: elapsedMs });
  } else {
    terminal.line(summary(counts, elapsedMs));
    if (waitingDocuments > 0) {
      terminal.note(`${waitingDocuments} documents are still being looked through for the names; --wait waits for it.`);
    }
  }
  const isLate = flags.wait && waitingDocuments > 0;
  return skipped > 0 || isLate ? exitCodes.failure : exitCodes.ok;
}

/** `quartet graph delete ID...` */
export async function deleteEntities(context: Context, entityIds: readonly string[]): Promise<ExitCode> {
  const { terminal, signal, json } = context;
  const unique = [...new Set(entityIds)];
  let deleted = 0;
  for (let start = 0; start < unique.length; start += deleteBatch) {
    const request = { entityIds: unique.slice(start, start + deleteBatch) };
    deleted += (await context.client().documents.deleteEntities(request, { signal })).deletedCount;
  }
  if (json) terminal.json({ deleted, unknown: unique.length - deleted });
  else {
    const unknown = deleted < unique.length ? `, ${unique.length - deleted} did not exist` : "";
    terminal.line(`${deleted} deleted${unknown}`);
  }
  return deleted === 0 ? exitCodes.nothingFound : exitCodes.ok;
}

async function sizeOf(files: readonly string[], root: string): Promise<number> {
  const sizes = files.map(async (file) => {
    try {
      return (await stat(path.resolve(root, file))).size;
    } catch (error) {
      throw new Error(`${file}: ${explain(error)}`, { cause: error });
    }
  });
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
}

/** How many are left when none is, or the time is over. An empty graph changes nothing and tells how many there are. */
async function waitForDocuments(context: Context, first: number, { waitLimit }: ImportGraphFlags): Promise<number> {
  const { terminal, signal } = context;
  const endAt = performance.now() + waitLimit * 1_000;
  const bar = terminal.progress("Looking through");
  try {
    for (let left = first; ;) {
      bar.update(1 - left / Math.max(1, first), `${left} documents left`);
      if (left === 0 || performance.now() > endAt) return left;
      await sleep(askEveryMs, undefined, { signal });
      left = Number((await context.client().documents.putGraph({ graph: {} }, { signal })).waitingDocumentCount);
    }
  } finally {
    bar.end();
  }
}

const sum = (read: GraphCounts["read"]): number => graphItemKinds.reduce((total, kind) => total + read[kind], 0);

function summary({ read, changed, skipped }: GraphCounts, elapsedMs: number): string {
  const parts = graphItemKinds.map((kind) => `${read[kind]} ${kind}`).join(", ");
  const skippedPart = skipped > 0 ? `, ${skipped} skipped` : "";
  return `${parts} in ${(elapsedMs / 1000).toFixed(1)} s: ${changed} changed${skippedPart}`;
}
