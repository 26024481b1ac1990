import { findSourceFiles, type SourceFile } from "../adapters/source-files.ts";
import { readDocuments } from "../adapters/read-documents.ts";
import { waitUntilSearchable } from "../adapters/wait-until-searchable.ts";
import type { Context } from "../context.ts";
import type { Remark, SourceItem } from "../domain/source-document.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { type IndexCounts, indexDocuments } from "../indexing.ts";

export interface IndexPathsOptions {
  readonly paths: readonly string[];
  readonly collection: string;
  readonly tags: readonly string[];
  /** Whether to wait until everything can be found by vectors too. */
  readonly wait: boolean;
  readonly waitLimitMs: number;
}

/** Problems are told one by one up to here, and only counted beyond. */
const maxToldProblems = 100;

/** `quartet index PATH...` */
export async function indexPaths(context: Context, options: IndexPathsOptions): Promise<ExitCode> {
  const { terminal, signal, json, workingDirectory } = context;
  const startedAt = performance.now();
  const client = context.client();
  const { files, problems: unreadable, ignoredCount } = await findSourceFiles(options.paths, workingDirectory);
  const problems = problemList(context);
  const notices: Remark[] = [];
  for (const problem of unreadable) problems.add(problem);
  const totalBytes = files.reduce((sum, { byteCount }) => sum + byteCount, 0);
  const bar = terminal.progress("Indexing");
  let stored = 0;
  const counts = await indexDocuments({
    client,
    items: readAll(files, signal),
    collection: options.collection,
    tags: options.tags,
    signal,
    onProblem: problems.add,
    onNotice(notice) {
      if (notices.length < maxToldProblems) notices.push(notice);
      terminal.note(`${notice.where}: ${notice.message}`);
    },
    onProgress(done, bytes) {
      stored = total(done) - done.failed;
      bar.update(bytes / Math.max(1, totalBytes), `${total(done)} documents`);
    },
  }).catch((error: unknown) => {
    bar.end();
    if (stored > 0) terminal.note(`${stored} documents are stored; run the same again to go on with the rest.`);
    throw error;
  });
  bar.end();
  counts.skipped += unreadable.length;
  problems.end();
  const searchable = options.wait ? await wait(context, options) : undefined;
  const elapsedMs = Math.round(performance.now() - startedAt);
  if (json) {
    const { created, replaced, unchanged, failed, skipped } = counts;
    const result = { created, replaced, unchanged, failed, skipped, problems: problems.told, notices };
    terminal.json({ ...result, ignored_files: ignoredCount, searchable, elapsed_ms: elapsedMs });
  } else {
    terminal.line(summary(counts, elapsedMs));
    if (ignoredCount > 0)
      terminal.note(`${ignoredCount} files of other kinds passed over; .txt, .md, .jsonl are read.`);
  }
  return counts.failed + counts.skipped > 0 || searchable === false ? exitCodes.failure : exitCodes.ok;
}

async function* readAll(files: readonly SourceFile[], signal: AbortSignal): AsyncGenerator<SourceItem> {
  for (const file of files) yield* readDocuments(file, signal);
}

/** Tells problems as they come, the first hundred of them in words. */
function problemList({ terminal, json }: Context) {
  const told: Remark[] = [];
  let untold = 0;
  return {
    told,
    add(problem: Remark) {
      if (told.length === maxToldProblems) return void untold++;
      told.push(problem);
      if (!json) terminal.problem(`${problem.where}: ${problem.message}`);
    },
    end() {
      if (untold > 0) terminal.problem(`and ${untold} more problems`);
    },
  };
}

async function wait(context: Context, { collection, waitLimitMs }: IndexPathsOptions): Promise<boolean> {
  const { terminal, signal } = context;
  const bar = terminal.progress("Embedding");
  const isSearchable = await waitUntilSearchable({
    client: context.client(),
    collections: new Set([collection || "default"]),
    signal,
    limitMs: waitLimitMs,
    onProgress: (ready, passages) => bar.update(ready / Math.max(1, passages), `${ready} of ${passages} passages`),
  }).finally(() => bar.end());
  if (!isSearchable) {
    const limit = `${Math.round(waitLimitMs / 1000)} s`;
    terminal.problem(
      `Stored, but not all passages have vectors after ${limit}; keywords find them. See \`quartet doctor\`.`,
    );
  }
  return isSearchable;
}

const total = ({ created, replaced, unchanged, failed }: Readonly<IndexCounts>) =>
  created + replaced + unchanged + failed;

function summary(counts: Readonly<IndexCounts>, elapsedMs: number): string {
  const { created, replaced, unchanged, failed, skipped } = counts;
  const parts = [`${created} created`, `${replaced} replaced`, `${unchanged} unchanged`, `${failed} failed`];
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return `${total(counts)} documents in ${(elapsedMs / 1000).toFixed(1)} s: ${parts.join(", ")}`;
}
