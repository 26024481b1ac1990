import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createSubjectClient } from "./client.ts";
import { createBenchCorpus } from "./corpus.ts";
import type { Lag } from "./lag-meter.ts";
import { quantile } from "./load.ts";
import { startIdle, startServices, startStandalone, type Subject, type SubjectOptions } from "./subjects.ts";

/** One process of a subject in one phase. */
export interface LagRow {
  readonly subject: string;
  readonly process: string;
  readonly phase: "answering" | "indexing and answering";
  readonly lag: Lag;
}

export interface LagWork {
  readonly subject: string;
  readonly passagesPerSecond: number;
  readonly answers: number;
  readonly answerP50Ms: number;
  readonly answerP95Ms: number;
  readonly errors: number;
}

export interface LagPlan {
  readonly folder: string;
  readonly passageCount: number;
  /** Questions that are being answered at any time. */
  readonly inFlight: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** The most that is wanted of the 99th percentile. */
export const targetP99Ms = 20;

const documentsPerCall = 50;
const answerPath = "/quartet.gateway.v1.AnswerService/AnswerQuestion";
const answeringMs = 5_000;

/** Fills standalone, then separate processes, while questions are asked; an idle process beside them shows what is the machine's. */
export async function measureLag(plan: LagPlan): Promise<{ rows: LagRow[]; work: LagWork[] }> {
  const rows: LagRow[] = [];
  const work: LagWork[] = [];
  for (const [name, start] of [
    ["standalone", startStandalone],
    ["services", startServices],
  ] as const) {
    const folder = path.join(plan.folder, name);
    const probed: SubjectOptions = { lagProbeFolder: folder };
    mkdirSync(folder, { recursive: true });
    const [subject, idle] = await Promise.all([start(folder, probed), startIdle(folder, probed)]);
    try {
      plan.progress(`${name}: indexing ${plan.passageCount} passages, ${plan.inFlight} questions in flight`);
      const measured = await measureSubject(subject, idle, { ...plan, folder });
      rows.push(...measured.rows);
      work.push(measured.work);
    } finally {
      await Promise.all([subject.stop(), idle.stop()]);
    }
  }
  return { rows, work };
}

async function measureSubject(
  subject: Subject,
  idle: Subject,
  { folder, passageCount, inFlight, signal }: LagPlan,
): Promise<{ rows: LagRow[]; work: LagWork }> {
  const { documents, queries } = createBenchCorpus({ documentCount: passageCount, queryCount: 2_000 });
  const client = createSubjectClient(subject, inFlight + 1);
  const processes = [...subject.pids, ...idle.pids].map((pid, index) => {
    const name = subject.processNames[index];
    return { pid, name: name ?? "idle" };
  });
  const take = async (phase: LagRow["phase"]): Promise<LagRow[]> =>
    Promise.all(
      processes.map(async ({ pid, name }) => ({
        subject: subject.name,
        process: name,
        phase,
        lag: await takeLag(folder, pid),
      })),
    );
  try {
    // Compiled and warm: what a start costs is not asked here.
    await client.put(documents.slice(0, documentsPerCall));
    const times: number[] = [];
    let errors = 0;
    let ended = false;
    const ask = async (first: number) => {
      for (let index = first; !ended; index += inFlight) {
        const began = performance.now();
        await client.post(answerPath, { question: queries[index % queries.length] ?? "" }).then(
          () => times.push(performance.now() - began),
          () => (errors += 1),
        );
      }
    };
    const asking = Array.from({ length: inFlight }, (_, index) => ask(index));
    await take("answering");
    const start = performance.now();
    for (let from = documentsPerCall; from < documents.length; from += documentsPerCall) {
      signal.throwIfAborted();
      await client.put(documents.slice(from, from + documentsPerCall));
    }
    const indexingMs = performance.now() - start;
    const indexing = await take("indexing and answering");
    await sleep(answeringMs, undefined, { signal });
    const answering = await take("answering");
    ended = true;
    await Promise.all(asking);
    times.sort((left, right) => left - right);
    const work = {
      subject: subject.name,
      passagesPerSecond: ((documents.length - documentsPerCall) * 1000) / indexingMs,
      answers: times.length,
      answerP50Ms: quantile(times, 0.5),
      answerP95Ms: quantile(times, 0.95),
      errors,
    };
    return { rows: [...indexing, ...answering], work };
  } finally {
    await client.close();
  }
}

const takeLimitMs = 10_000;
const taken = new Map<number, number>();

/** What the probe in a process has measured since it was last asked. */
async function takeLag(folder: string, pid: number): Promise<Lag> {
  const file = path.join(folder, `lag-${pid}.json`);
  const wanted = (taken.get(pid) ?? 0) + 1;
  taken.set(pid, wanted);
  process.kill(pid, "SIGUSR2");
  for (const end = performance.now() + takeLimitMs; performance.now() < end; await sleep(10)) {
    try {
      const { count, ...lag } = JSON.parse(readFileSync(file, "utf8")) as Lag & { count: number };
      if (count === wanted) return lag;
    } catch {
      // Not written yet.
    }
  }
  throw new Error(`process ${pid} did not tell its lag within ${takeLimitMs / 1000} s`);
}
