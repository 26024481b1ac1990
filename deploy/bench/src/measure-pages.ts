import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createQuartetClient, PutWait, type QuartetClient } from "@quartet/client";
import { createBenchCorpus } from "./corpus.ts";
import { startServices, type Subject } from "./subjects.ts";

export interface PagesPlan {
  /** For data, logs and what processes tell of their memory; it is there. */
  readonly folder: string;
  /** Passages in the store; a little more than are streamed. */
  readonly passageCount: number;
  /** Passages of one stream. */
  readonly streamedCount: number;
  readonly pageSize: number;
  /** Searches, and first pages of streams, that are timed in turn. */
  readonly rounds: number;
  /** Variables for all processes beside the usual ones, such as where the stores are. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** What one process held while a stream ran, garbage collected, in bytes. */
export interface HeldMemory {
  readonly process: string;
  /** Before the stream. */
  readonly before: number;
  /** After each quarter of it. */
  readonly during: readonly number[];
  /** When it had ended. */
  readonly after: number;
  /** The most that was ever held beyond `before`. */
  readonly growth: number;
}

export interface PagesMeasured {
  /** Medians of a search and of a stream's first page of the same size, each for another question, in ms. */
  readonly searchMs: number;
  readonly firstPageMs: number;
  readonly ratio: number;
  readonly streamed: number;
  readonly distinct: number;
  readonly streamMs: number;
  readonly memory: readonly HeldMemory[];
}

const watched = ["gateway", "retrieval"];
const batchSize = 100;

/** Fills the five services with passages, times searches and first pages, and looks at what they hold while a long result is streamed. */
export async function measurePages(plan: PagesPlan): Promise<PagesMeasured> {
  const { folder, environment = {}, progress } = plan;
  const subject = await startServices(folder, { memoryProbeFolder: folder, environment });
  try {
    const client = createQuartetClient({ baseUrl: subject.url, timeoutMs: 300_000 });
    const { documents, queries } = createBenchCorpus({
      documentCount: plan.passageCount,
      queryCount: 2 * plan.rounds + 2,
    });
    await index(client, documents, plan);
    // Whatever a first stream leaves behind for good, such as compiled code and connections, is no part of what the next one holds.
    const [warmUp = "", measured = "", ...timed] = queries;
    progress("first stream");
    await stream(client, warmUp, plan);
    progress("searches and first pages");
    const times = await timePages(client, timed, plan);
    progress("measured stream");
    const before = await heldBy(subject, folder);
    const during: ReadonlyMap<string, number>[] = [];
    const began = performance.now();
    let asking = 0;
    const ids = await stream(client, measured, plan, async (count) => {
      if (count < ((during.length + 1) * plan.streamedCount) / 4) return;
      const askedAt = performance.now();
      during.push(await heldBy(subject, folder));
      asking += performance.now() - askedAt;
    });
    const streamMs = performance.now() - began - asking;
    const after = await heldBy(subject, folder);
    const memory = watched.map((process): HeldMemory => {
      const of = (held: ReadonlyMap<string, number>) => held.get(process)!;
      const most = Math.max(...[...during, after].map(of));
      return { process, before: of(before), during: during.map(of), after: of(after), growth: most - of(before) };
    });
    return { ...times, streamed: ids.length, distinct: new Set(ids).size, streamMs, memory };
  } finally {
    await subject.stop();
  }
}

/** Puts all, and waits until words and vectors find them: the worker then takes as many at once as it likes. */
async function index(client: QuartetClient, documents: readonly object[], { signal, progress }: PagesPlan) {
  for (let start = 0; start < documents.length; start += batchSize) {
    const batch = documents.slice(start, start + batchSize);
    const { results } = await client.documents.putDocuments({ documents: batch, wait: PutWait.RECORDED }, { signal });
    const failure = results.find((result) => result.failure !== undefined)?.failure;
    if (failure !== undefined) throw new Error(`not stored: ${failure.message}`);
  }
  for (let told = -1; ; await sleep(500, undefined, { signal })) {
    const { collections } = await client.documents.listCollections({}, { signal });
    const { state, passageCount = 0n, activeVectorCount = 0n } = collections[0] ?? {};
    if (passageCount === activeVectorCount && state !== undefined && state.projectedSeq >= state.recordSeq) return;
    const thousands = Number(activeVectorCount / 1000n);
    if (thousands !== told) progress(`${activeVectorCount} of ${passageCount} passages have vectors`);
    told = thousands;
  }
}

/** The passages of one stream, by name; `onPage` is awaited before the next page is taken. */
async function stream(
  client: QuartetClient,
  query: string,
  { pageSize, streamedCount, signal }: PagesPlan,
  onPage: (count: number) => Promise<void> = async () => {},
): Promise<string[]> {
  const ids: string[] = [];
  const request = { search: { query, pageSize }, maxPassageCount: streamedCount };
  for await (const { page } of client.search.streamSearchPassages(request, { signal })) {
    for (const { documentId, ordinal } of page!.passages) ids.push(`${documentId} ${ordinal}`);
    await onPage(ids.length);
  }
  return ids;
}

/** In turn, so that both meet the same machine. Each question is asked once: neither is answered from a cache. */
async function timePages(client: QuartetClient, queries: readonly string[], plan: PagesPlan) {
  const { pageSize, signal, streamedCount } = plan;
  const searches: number[] = [];
  const firstPages: number[] = [];
  for (const [index, query] of queries.entries()) {
    const began = performance.now();
    if (index % 2 === 0) {
      await client.search.searchPassages({ query, pageSize }, { signal });
      searches.push(performance.now() - began);
      continue;
    }
    const request = { search: { query, pageSize }, maxPassageCount: streamedCount };
    for await (const { page } of client.search.streamSearchPassages(request, { signal })) {
      if (page === undefined) throw new Error("a message without its page");
      firstPages.push(performance.now() - began);
      break;
    }
  }
  const [searchMs, firstPageMs] = [median(searches), median(firstPages)];
  return { searchMs, firstPageMs, ratio: firstPageMs / searchMs };
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

/** What the watched processes hold, garbage collected. */
async function heldBy({ pids, processNames }: Subject, folder: string): Promise<ReadonlyMap<string, number>> {
  const held = new Map<string, number>();
  for (const name of watched) {
    const pid = pids[processNames.indexOf(name)]!;
    const file = path.join(folder, `memory-${pid}.json`);
    const before = (await readProbe(file))?.count ?? 0;
    process.kill(pid, "SIGUSR2");
    held.set(name, await answered(file, before));
  }
  return held;
}

async function answered(file: string, before: number): Promise<number> {
  for (const end = performance.now() + 60_000; performance.now() < end; await sleep(20)) {
    const probe = await readProbe(file);
    if (probe !== undefined && probe.count > before) return probe.heldBytes;
  }
  throw new Error("a process did not tell what it holds");
}

async function readProbe(file: string): Promise<{ readonly count: number; readonly heldBytes: number } | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as { readonly count: number; readonly heldBytes: number };
  } catch {
    return undefined;
  }
}
