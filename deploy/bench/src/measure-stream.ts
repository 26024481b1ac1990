import { chatBody, createChatClient } from "./chat-client.ts";
import { createSubjectClient } from "./client.ts";
import { type BenchCorpus, createBenchCorpus } from "./corpus.ts";
import { median } from "./load.ts";
import { startPassingOn } from "./passing-on.ts";
import { usageOf } from "./processes.ts";
import { burst, loadStreams, type StreamLoad } from "./stream-load.ts";
import type { Subject } from "./subjects.ts";

/** `grounded` is standalone again, with answers from documents. */
const streamSubjects = ["direct", "proxy", "standalone", "services", "grounded"] as const;
export type StreamSubject = (typeof streamSubjects)[number];

export interface StreamOptions {
  /** Where the stores are made; the caller removes it. */
  readonly folder: string;
  readonly rounds: number;
  /** How long one subject is loaded in one round, beside the answers of its start and its end. */
  readonly sliceMs: number;
  /** The same before the first round, which is not counted. */
  readonly warmUpMs: number;
  readonly atOnce: number;
  readonly firstTokenMs: number;
  readonly tokens: number;
  readonly tokenMs: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export interface StreamSlice extends StreamLoad {
  /** To the first token when all ask at the same moment: the median of one such burst. */
  readonly burstP50Ms: number;
}

export type StreamRound = Readonly<Record<StreamSubject, StreamSlice>>;

interface Loaded {
  readonly url: string;
  readonly pids: readonly number[];
  readonly bodyOf: (index: number) => string;
}

const chatBytes = 1_024;
/** As many as one call puts. */
const documentCount = 100;

/** Loads one subject after another with chats whose answers are written slowly, round by round. */
export async function measureStream(options: StreamOptions): Promise<readonly StreamRound[]> {
  const { folder, rounds, sliceMs, warmUpMs, atOnce, firstTokenMs, tokens, tokenMs, signal, progress } = options;
  progress("starting the provider, the proxy, standalone and the five services ...");
  const behaviour = { firstPieceMs: firstTokenMs, pieceMs: tokenMs, tokens };
  await using started = await startPassingOn({ folder, behaviour, connections: atOnce, signal });
  const { provider, proxy, standalone, services } = started;
  const corpus = createBenchCorpus({ documentCount, queryCount: documentCount });
  await index(standalone, corpus);

  const passedOn = (number: number) => chatBody(number, { bytes: chatBytes, streamed: true, model: "gpt-bench" });
  const subjects: Readonly<Record<StreamSubject, Loaded>> = {
    direct: { url: provider.url, pids: [], bodyOf: passedOn },
    proxy: { ...proxy, bodyOf: passedOn },
    standalone: { ...standalone, bodyOf: passedOn },
    services: { ...services, bodyOf: passedOn },
    grounded: { ...standalone, bodyOf: (number) => question(number, corpus) },
  };
  const measureRound = async (title: string, durationMs: number): Promise<StreamRound> => {
    const results = {} as Record<StreamSubject, StreamSlice>;
    for (const name of streamSubjects) {
      signal.throwIfAborted();
      progress(`${title}: ${name} ...`);
      results[name] = await loadSubject(name, subjects[name], durationMs, options);
    }
    return results;
  };
  // What code costs before it is compiled is paid once in the life of a process, and it takes thousands of events until all that matters is.
  await measureRound("warming up", warmUpMs);
  const seen: StreamRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    seen.push(await measureRound(`round ${round} of ${rounds}`, sliceMs));
  }
  return seen;
}

async function index(subject: Subject, { documents }: BenchCorpus): Promise<void> {
  const client = createSubjectClient(subject, 1);
  try {
    await client.put(documents);
  } finally {
    await client.close();
  }
}

/** A question about the documents that nobody else asks. */
function question(number: number, { queries }: BenchCorpus): string {
  const content = `${queries[number % queries.length]} ${number}`;
  return JSON.stringify({ model: "quartet", messages: [{ role: "user", content }], stream: true });
}

async function loadSubject(
  name: StreamSubject,
  { url, pids, bodyOf }: Loaded,
  durationMs: number,
  options: StreamOptions,
): Promise<StreamSlice> {
  const { atOnce, firstTokenMs, tokens, tokenMs } = options;
  const client = createChatClient({ name, url, connections: atOnce, streamed: true });
  let sent = 0;
  const send = () => client.send(bodyOf(sent++));
  try {
    // The first failure says why; the others are counted.
    await send();
    const answerMs = firstTokenMs + (tokens - 1) * tokenMs;
    const cpuMs = () => usageOf(pids).cpuMs;
    const steady = await loadStreams({ send, atOnce, answerMs, durationMs, cpuMs });
    return { ...steady, burstP50Ms: await burst(send, atOnce) };
  } finally {
    await client.close();
  }
}

/** One row of the table: medians over the rounds. */
export interface StreamCell extends Omit<StreamSlice, "count"> {
  readonly subject: StreamSubject;
  /** Answers a second over the proxy's, and the first token's time beyond the proxy's: medians of each round's own. */
  readonly ratioToProxy: number;
  readonly addedMs: number;
  readonly addedToDirectMs: number;
}

export interface StreamTarget {
  readonly subject: StreamSubject;
  readonly figure: "answers a second over the proxy's" | "ms added to the first token";
  readonly value: number;
  readonly limit: number;
  readonly met: boolean;
}

const leastRatio = 0.95;
const mostAddedMs = 10;

export function streamReport(rounds: readonly StreamRound[]): {
  readonly cells: readonly StreamCell[];
  readonly targets: readonly StreamTarget[];
} {
  const cells = streamSubjects.map((subject) => toCell(subject, rounds));
  const targets = (["standalone", "services"] as const).flatMap((subject): readonly StreamTarget[] => {
    const { ratioToProxy, addedMs, errors } = cells.find((cell) => cell.subject === subject)!;
    return [
      {
        subject,
        ...{ figure: "answers a second over the proxy's", value: ratioToProxy, limit: leastRatio },
        met: ratioToProxy >= leastRatio && errors === 0,
      },
      {
        subject,
        ...{ figure: "ms added to the first token", value: addedMs, limit: mostAddedMs },
        met: addedMs <= mostAddedMs && errors === 0,
      },
    ];
  });
  return { cells, targets };
}

function toCell(subject: StreamSubject, rounds: readonly StreamRound[]): StreamCell {
  const middle = (figure: (slice: StreamSlice, round: StreamRound) => number) =>
    median(rounds.map((round) => figure(round[subject], round)));
  return {
    subject,
    answersPerSecond: middle(({ answersPerSecond }) => answersPerSecond),
    firstP50Ms: middle(({ firstP50Ms }) => firstP50Ms),
    firstP95Ms: middle(({ firstP95Ms }) => firstP95Ms),
    totalP50Ms: middle(({ totalP50Ms }) => totalP50Ms),
    cpuMsPerAnswer: middle(({ cpuMsPerAnswer }) => cpuMsPerAnswer),
    burstP50Ms: middle(({ burstP50Ms }) => burstP50Ms),
    errors: rounds.reduce((sum, round) => sum + round[subject].errors, 0),
    firstError: rounds.map((round) => round[subject].firstError).find((error) => error !== undefined),
    ratioToProxy: middle((slice, { proxy }) => slice.answersPerSecond / proxy.answersPerSecond),
    addedMs: middle((slice, { proxy }) => slice.firstP50Ms - proxy.firstP50Ms),
    addedToDirectMs: middle((slice, { direct }) => slice.firstP50Ms - direct.firstP50Ms),
  };
}
