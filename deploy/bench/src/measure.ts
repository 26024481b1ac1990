import path from "node:path";
import { createSubjectClient, type SubjectClient } from "./client.ts";
import { type BenchCorpus, createBenchCorpus } from "./corpus.ts";
import { load, type LoadResult } from "./load.ts";
import { usageOf } from "./processes.ts";
import { startFloor, startServices, startStandalone, type Subject } from "./subjects.ts";

/** How many requests are in flight, by column. */
export const levels = [1, 20, 50] as const;

export interface MeasureOptions {
  /** Where the stores are made; the caller removes it. */
  readonly folder: string;
  readonly passageCount: number;
  readonly queryCount: number;
  readonly rounds: number;
  /** How long one subject is loaded at one level in one round. */
  readonly sliceMs: number;
  /** How long each is loaded before the first round, which is not counted. */
  readonly warmUpMs: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** One round of one level; `function` is the floor's search without any server. */
export interface Slice {
  readonly inFlight: number;
  readonly results: Readonly<Record<string, LoadResult>>;
}

export interface Indexing {
  readonly passagesPerSecond: number;
  /** Resident memory of all processes, empty and filled. */
  readonly emptyBytes: number;
  readonly filledBytes: number;
}

export interface Measured {
  readonly passageCount: number;
  readonly slices: readonly Slice[];
  readonly indexing: Readonly<Record<string, Indexing>>;
  /** What the floor's store holds after a collection of garbage, for each 1,000 passages. */
  readonly storeBytesPer1000Passages: number;
  readonly answerBytes: Readonly<Record<string, number>>;
  /** The share of questions, asked after the load, whose vector was in the embedding cache. */
  readonly cacheHitShare: number;
  /** Queries of which all subjects gave the same documents in the same order, of those compared. */
  readonly agreement: { readonly same: number; readonly compared: number };
  /** From the start of the process on the filled folder until its first search is answered. */
  readonly restartMs: number;
}

interface Opened {
  readonly subject: Subject;
  readonly client: SubjectClient;
}

const documentsPerPut = 50;
const comparedQueries = 50;
const warmUpInFlight = 20;

/** Starts all subjects on stores of their own with the same documents, and loads one after another, level by level, round by round. */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const { folder, passageCount, queryCount, rounds, sliceMs, warmUpMs, signal, progress } = options;
  const corpus = createBenchCorpus({ documentCount: passageCount, queryCount });
  await using open = new AsyncDisposableStack();
  const start = async (starting: Promise<Subject>): Promise<Opened> => {
    const subject = await starting;
    open.defer(() => subject.stop());
    const client = createSubjectClient(subject, Math.max(...levels));
    open.defer(() => client.close());
    signal.throwIfAborted();
    return { subject, client };
  };
  progress("starting the floor, standalone and the five services ...");
  const floor = await start(startFloor(path.join(folder, "floor")));
  const standaloneFolder = path.join(folder, "standalone");
  const standalone = await start(startStandalone(standaloneFolder));
  const services = await start(startServices(path.join(folder, "services")));
  const subjects = [floor, standalone, services];

  const before = await floor.client.memory();
  const indexing: Record<string, Indexing> = {};
  for (const { subject, client } of subjects) {
    progress(`indexing ${passageCount} documents in ${subject.name} ...`);
    indexing[subject.name] = await index(subject, client, corpus, signal);
  }
  const after = await floor.client.memory();

  const agreement = await compare(subjects, corpus.queries.slice(0, comparedQueries));
  // What code costs before it is compiled is paid once in the life of a process.
  progress("warming up ...");
  await loadAll(subjects, floor, { ...corpus, inFlight: warmUpInFlight, sliceMs: warmUpMs, signal });
  const slices: Slice[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds} ...`);
    for (const inFlight of levels) {
      slices.push({ inFlight, results: await loadAll(subjects, floor, { ...corpus, inFlight, sliceMs, signal }) });
    }
  }
  const asked = await Promise.all(corpus.queries.slice(0, 200).map((query) => standalone.client.search(query)));
  const answerBytes: Record<string, number> = {};
  for (const { subject, client } of subjects) {
    answerBytes[subject.name] = (await client.search(corpus.queries[0] ?? "")).bytes;
  }

  progress("starting standalone again on its folder ...");
  await standalone.subject.stop();
  const again = await start(startStandalone(standaloneFolder));
  const askedAt = performance.now();
  await again.client.search(corpus.queries[0] ?? "");
  return {
    passageCount: after.passageCount,
    slices,
    indexing,
    storeBytesPer1000Passages: ((after.heldBytes - before.heldBytes) / after.passageCount) * 1000,
    answerBytes,
    cacheHitShare: asked.filter(({ cached }) => cached).length / asked.length,
    agreement,
    restartMs: again.subject.startMs + performance.now() - askedAt,
  };
}

async function index(
  { pids }: Subject,
  client: SubjectClient,
  { documents }: BenchCorpus,
  signal: AbortSignal,
): Promise<Indexing> {
  const emptyBytes = usageOf(pids).residentBytes;
  const began = performance.now();
  for (let first = 0; first < documents.length; first += documentsPerPut) {
    signal.throwIfAborted();
    await client.put(documents.slice(first, first + documentsPerPut));
  }
  const passagesPerSecond = (documents.length * 1000) / (performance.now() - began);
  return { passagesPerSecond, emptyBytes, filledBytes: usageOf(pids).residentBytes };
}

async function compare(subjects: readonly Opened[], queries: readonly string[]): Promise<Measured["agreement"]> {
  let same = 0;
  for (const query of queries) {
    const found = await Promise.all(subjects.map(({ client }) => client.search(query)));
    const rankings = new Set(found.map(({ documentIds }) => documentIds.join(" ")));
    if (rankings.size === 1 && found[0]?.documentIds.length !== 0) same += 1;
  }
  return { same, compared: queries.length };
}

interface LoadAllOptions {
  readonly queries: readonly string[];
  readonly inFlight: number;
  readonly sliceMs: number;
  readonly signal: AbortSignal;
}

async function loadAll(
  subjects: readonly Opened[],
  floor: Opened,
  { queries, inFlight, sliceMs, signal }: LoadAllOptions,
): Promise<Slice["results"]> {
  const results: Record<string, LoadResult> = {};
  results["function"] = await floor.client.loadDirectly({ queries, inFlight, durationMs: sliceMs });
  for (const { subject, client } of subjects) {
    signal.throwIfAborted();
    const send = (index: number) => client.send(queries[index % queries.length] ?? "");
    const cpuMs = () => usageOf(subject.pids).cpuMs;
    results[subject.name] = await load({ send, inFlight, durationMs: sliceMs, cpuMs });
  }
  return results;
}
