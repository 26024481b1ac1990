import path from "node:path";
import { chatBody, createChatClient } from "./chat-client.ts";
import { load, type LoadResult, median } from "./load.ts";
import { startHop, startPassingOn } from "./passing-on.ts";
import { usageOf } from "./processes.ts";
import type { Subject } from "./subjects.ts";

const keyPoolSubjects = ["direct", "proxy", "standalone", "hop", "services"] as const;
export type KeyPoolSubject = (typeof keyPoolSubjects)[number];
/** How a reply comes. */
const replyModes = ["whole", "streamed"] as const;
export type ReplyMode = (typeof replyModes)[number];

export interface KeyPoolOptions {
  /** Where the stores are made; the caller removes it. */
  readonly folder: string;
  readonly rounds: number;
  /** How long one subject is loaded in one mode in one round. */
  readonly sliceMs: number;
  /** The same before the first round, which is not counted. */
  readonly warmUpMs: number;
  readonly inFlight: number;
  /** Pieces of a reply of 1 KB; streamed, each is an event. */
  readonly pieces: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** What one subject showed in one slice. */
export interface KeyPoolSlice extends LoadResult {
  /** CPU time of the provider for each request, in milliseconds. */
  readonly providerMsPerRequest: number;
}

export type KeyPoolRound = Readonly<Record<ReplyMode, Readonly<Record<KeyPoolSubject, KeyPoolSlice>>>>;

const chatBytes = 1_024;

interface Loaded {
  readonly url: string;
  /** The processes whose CPU time counts. */
  readonly pids: readonly number[];
}

/** Loads one subject after another with chats for the provider, round by round. */
export async function measureKeyPool(options: KeyPoolOptions): Promise<readonly KeyPoolRound[]> {
  const { folder, rounds, sliceMs, warmUpMs, inFlight, pieces, signal, progress } = options;
  progress("starting the provider, the proxy, the hop, standalone and the five services ...");
  const answer = Array.from({ length: pieces }, (_, index) =>
    (index === 0 ? "w" : " ").padEnd(chatBytes / pieces, "ord"),
  );
  await using started = new AsyncDisposableStack();
  const plan = { folder, behaviour: { answer }, connections: inFlight, signal };
  const { provider, proxy, standalone, services } = started.use(await startPassingOn(plan));
  const hop = await startHop(path.join(folder, "hop"), provider.url);
  started.defer(() => hop.stop());
  const subjects: Readonly<Record<KeyPoolSubject, Loaded>> = {
    direct: { url: provider.url, pids: [] },
    proxy,
    standalone,
    hop,
    services: { url: services.url, pids: pidsOf(services, ["gateway", "generation"]) },
  };
  const measureRound = async (durationMs: number): Promise<KeyPoolRound> => {
    const results = { whole: {}, streamed: {} } as Record<ReplyMode, Record<KeyPoolSubject, KeyPoolSlice>>;
    for (const mode of replyModes) {
      for (const name of keyPoolSubjects) {
        signal.throwIfAborted();
        results[mode][name] = await loadSubject(name, subjects[name], provider, { mode, inFlight, durationMs });
      }
    }
    return results;
  };
  // What code costs before it is compiled is paid once in the life of a process, and it takes thousands of calls until all that matters is.
  progress("warming up ...");
  await measureRound(warmUpMs);
  const seen: KeyPoolRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds} ...`);
    seen.push(await measureRound(sliceMs));
  }
  return seen;
}

const pidsOf = ({ pids, processNames }: Subject, names: readonly string[]): readonly number[] =>
  pids.filter((_, index) => names.includes(processNames[index]!));

async function loadSubject(
  name: KeyPoolSubject,
  { url, pids }: Loaded,
  provider: Subject,
  { mode, inFlight, durationMs }: { readonly mode: ReplyMode; readonly inFlight: number; readonly durationMs: number },
): Promise<KeyPoolSlice> {
  const streamed = mode === "streamed";
  const client = createChatClient({ name, url, connections: inFlight, streamed });
  const send = async (index: number): Promise<void> =>
    void (await client.send(chatBody(index, { bytes: chatBytes, streamed, model: "gpt-bench" })));
  const providerReadings: number[] = [];
  try {
    // The first failure says why; the others are counted.
    await send(0);
    const result = await load({
      send: (index) => send(index + 1),
      inFlight,
      durationMs,
      cpuMs: () => {
        providerReadings.push(usageOf(provider.pids).cpuMs);
        return usageOf(pids).cpuMs;
      },
    });
    const [before = 0, after = 0] = providerReadings;
    return { ...result, providerMsPerRequest: (after - before) / result.count };
  } finally {
    await client.close();
  }
}

/** One row of the table: medians over the rounds. */
export interface KeyPoolCell {
  readonly mode: ReplyMode;
  readonly subject: KeyPoolSubject;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly cpuMsPerRequest: number;
  /** CPU a request over the proxy's: the median of each round's own ratio. */
  readonly ratioToProxy: number;
  readonly providerMsPerRequest: number;
  readonly errors: number;
}

export interface KeyPoolTarget {
  readonly mode: ReplyMode;
  readonly subject: KeyPoolSubject;
  readonly figure: "CPU a request over the proxy's" | "CPU ms a request";
  readonly value: number;
  readonly most: number;
  readonly met: boolean;
}

const mostRatio = 3;
const mostMs = 1.2;

export function keyPoolReport(rounds: readonly KeyPoolRound[]): {
  readonly cells: readonly KeyPoolCell[];
  readonly targets: readonly KeyPoolTarget[];
} {
  const cells = replyModes.flatMap((mode) => keyPoolSubjects.map((subject) => toCell(mode, subject, rounds)));
  const targets = replyModes.flatMap((mode): readonly KeyPoolTarget[] => {
    const cell = (name: KeyPoolSubject) => cells.find((each) => each.mode === mode && each.subject === name)!;
    const target = (subject: KeyPoolSubject, figure: KeyPoolTarget["figure"], value: number, most: number) => ({
      ...{ mode, subject, figure, value, most },
      met: value <= most && cell(subject).errors === 0,
    });
    return [
      target("standalone", "CPU a request over the proxy's", cell("standalone").ratioToProxy, mostRatio),
      target("services", "CPU ms a request", cell("services").cpuMsPerRequest, mostMs),
    ];
  });
  return { cells, targets };
}

function toCell(mode: ReplyMode, subject: KeyPoolSubject, rounds: readonly KeyPoolRound[]): KeyPoolCell {
  const middle = (figure: (slice: KeyPoolSlice) => number) =>
    median(rounds.map((round) => figure(round[mode][subject])));
  return {
    mode,
    subject,
    requestsPerSecond: middle(({ queriesPerSecond }) => queriesPerSecond),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p95Ms: middle(({ p95Ms }) => p95Ms),
    cpuMsPerRequest: middle(({ cpuMsPerRequest }) => cpuMsPerRequest),
    ratioToProxy: median(
      rounds.map((round) => round[mode][subject].cpuMsPerRequest / round[mode].proxy.cpuMsPerRequest),
    ),
    providerMsPerRequest: middle(({ providerMsPerRequest }) => providerMsPerRequest),
    errors: rounds.reduce((sum, round) => sum + round[mode][subject].errors, 0),
  };
}
