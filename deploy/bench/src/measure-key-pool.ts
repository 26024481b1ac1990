import path from "node:path";
import { chatBody, createChatClient } from "./chat-client.ts";
import { load, type LoadResult, median } from "./load.ts";
import { usageOf } from "./processes.ts";
import { atProvider, startProvider, startProxy, startServices, startStandalone, type Subject } from "./subjects.ts";

const keyPoolSubjects = ["direct", "proxy", "standalone", "services"] as const;
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
  const { folder, rounds, inFlight, pieces, signal, progress } = options;
  await using open = new AsyncDisposableStack();
  const start = async (starting: Promise<Subject>): Promise<Subject> => {
    const subject = await starting;
    open.defer(() => subject.stop());
    signal.throwIfAborted();
    return subject;
  };
  progress("starting the provider, the proxy, standalone and the five services ...");
  const answer = Array.from({ length: pieces }, (_, index) =>
    (index === 0 ? "w" : " ").padEnd(chatBytes / pieces, "ord"),
  );
  const provider = await start(startProvider(path.join(folder, "provider"), { answer }));
  const environment = { environment: atProvider(provider.url, inFlight) };
  const proxy = await start(startProxy(path.join(folder, "proxy"), provider.url));
  const standalone = await start(startStandalone(path.join(folder, "standalone"), environment));
  const services = await start(startServices(path.join(folder, "services"), environment));
  const subjects: Readonly<Record<KeyPoolSubject, Loaded>> = {
    direct: { url: provider.url, pids: [] },
    proxy,
    standalone,
    services: { url: services.url, pids: pidsOf(services, ["gateway", "generation"]) },
  };
  const measureRound = async (): Promise<KeyPoolRound> => {
    const results = { whole: {}, streamed: {} } as Record<ReplyMode, Record<KeyPoolSubject, KeyPoolSlice>>;
    for (const mode of replyModes) {
      for (const name of keyPoolSubjects) {
        signal.throwIfAborted();
        results[mode][name] = await loadSubject(name, subjects[name], provider, mode, options);
      }
    }
    return results;
  };
  // What code costs before it is compiled is paid once in the life of a process: the first round is not counted.
  progress("warming up ...");
  await measureRound();
  const seen: KeyPoolRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds} ...`);
    seen.push(await measureRound());
  }
  return seen;
}

const pidsOf = ({ pids, processNames }: Subject, names: readonly string[]): readonly number[] =>
  pids.filter((_, index) => names.includes(processNames[index]!));

async function loadSubject(
  name: KeyPoolSubject,
  { url, pids }: Loaded,
  provider: Subject,
  mode: ReplyMode,
  { inFlight, sliceMs }: KeyPoolOptions,
): Promise<KeyPoolSlice> {
  const streamed = mode === "streamed";
  const client = createChatClient({ name, url, connections: inFlight, streamed });
  const providerReadings: number[] = [];
  try {
    // The first failure says why; the others are counted.
    await client.send(chatBody(0, { bytes: chatBytes, streamed, model: "gpt-bench" }));
    const result = await load({
      send: async (index) =>
        void (await client.send(chatBody(index + 1, { bytes: chatBytes, streamed, model: "gpt-bench" }))),
      inFlight,
      durationMs: sliceMs,
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
