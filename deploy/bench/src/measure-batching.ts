import { EmbeddingPurpose, EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { createModule, parseConfig } from "@quartet/embedding-service";
import { createClient, createGrpcTransport, createRpcServer } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { type FakeProvider, startFakeProvider } from "@quartet/testing";
import { median } from "./load.ts";

/** How texts reach the provider. */
const modes = {
  /** Every text is a call of its own. */
  texts: { QUARTET_EMBEDDING_BATCH_SIZE: "1", QUARTET_EMBEDDING_BATCH_WAIT: "0ms" },
  /** Every request is a call of its own. */
  requests: { QUARTET_EMBEDDING_BATCH_WAIT: "0ms" },
  /** As configured by default. */
  batched: {},
} as const;
export type BatchingMode = keyof typeof modes;
const batchingModes = Object.keys(modes) as BatchingMode[];

export interface BatchingOptions {
  readonly rounds: number;
  readonly requests?: number;
  readonly textsPerRequest?: number;
  /** What a call takes at the provider, however many texts it has. */
  readonly delayMs?: number;
}

export interface BatchingResult {
  /** Medians over the rounds. */
  readonly modes: Readonly<Record<BatchingMode, { readonly calls: number; readonly wallMs: number }>>;
  /** Times fewer calls than every request by itself, and than every text by itself. */
  readonly fewerCalls: Readonly<Record<"requests" | "texts", number>>;
  /** Times sooner, round by round: the medians. */
  readonly sooner: Readonly<Record<"requests" | "texts", number>>;
  /** What all responses say was used, over what the provider counted: 1 where no token is lost or told twice. */
  readonly billed: number;
  readonly met: boolean;
}

/** The target, for both. */
const leastRatio = 3;
const callLimitMs = 120_000;

/** All texts at once in each way, round by round, so that all meet the same machine. Nothing is in a cache: no text is sent twice. */
export async function measureBatching(options: BatchingOptions): Promise<BatchingResult> {
  const { rounds, requests = 100, textsPerRequest = 10, delayMs = 100 } = options;
  const seen: Record<BatchingMode, Round>[] = [];
  const provider = await startFakeProvider({ delayMs });
  const subjects = {} as Record<BatchingMode, Awaited<ReturnType<typeof openSubject>>>;
  try {
    for (const mode of batchingModes) subjects[mode] = await openSubject(provider.baseUrl, modes[mode]);
    for (let round = 0; round < rounds; round += 1) {
      const results = {} as Record<BatchingMode, Round>;
      for (const mode of batchingModes) {
        const textOf = (request: number, text: number) =>
          `${mode} ${round}: text ${text} of request ${request}, 한국어`;
        const lists = Array.from({ length: requests }, (_each, request) =>
          Array.from({ length: textsPerRequest }, (_none, text) => textOf(request, text)),
        );
        results[mode] = await measureRound(lists, subjects[mode].embed, provider);
      }
      seen.push(results);
    }
  } finally {
    for (const subject of Object.values(subjects)) await subject.close();
    await provider.close();
  }
  return toResult(seen);
}

interface Round {
  readonly calls: number;
  readonly wallMs: number;
  readonly billed: number;
}

async function measureRound(
  lists: readonly string[][],
  embed: (texts: string[]) => Promise<number>,
  provider: FakeProvider,
): Promise<Round> {
  const before = provider.figures();
  const started = performance.now();
  const tokens = await Promise.all(lists.map(embed));
  const wallMs = performance.now() - started;
  const after = provider.figures();
  const told = tokens.reduce((sum, each) => sum + each, 0);
  return { calls: after.calls - before.calls, wallMs, billed: told / (after.inputTokens - before.inputTokens) };
}

function toResult(rounds: readonly Record<BatchingMode, Round>[]): BatchingResult {
  const middle = (of: (round: Record<BatchingMode, Round>) => number) => median(rounds.map(of));
  const figures = batchingModes.map((mode) => {
    return [
      mode,
      { calls: middle((round) => round[mode].calls), wallMs: middle((round) => round[mode].wallMs) },
    ] as const;
  });
  const ratios = (key: "calls" | "wallMs") => ({
    requests: middle(({ requests, batched }) => requests[key] / batched[key]),
    texts: middle(({ texts, batched }) => texts[key] / batched[key]),
  });
  const [fewerCalls, sooner] = [ratios("calls"), ratios("wallMs")];
  return {
    modes: Object.fromEntries(figures) as BatchingResult["modes"],
    fewerCalls,
    sooner,
    billed: middle(({ batched }) => batched.billed),
    met: fewerCalls.requests >= leastRatio && sooner.texts >= leastRatio,
  };
}

/** The embedding service as it is in a cluster, with one client. */
async function openSubject(baseUrl: string, environment: Readonly<Record<string, string>>) {
  const config = parseConfig({
    OPENAI_BASE_URL: baseUrl,
    OPENAI_API_KEY: "sk-bench",
    QUARTET_EMBEDDING_DIMENSIONS: "64",
    ...environment,
  });
  const log = createLogger({ service: "embedding", level: "silent" });
  const metrics = createMetrics({ component: "embedding", processMetrics: false });
  const module = createModule(config, { log, metrics });
  const server = createRpcServer({ logger: log }).mount(module.routes);
  const { port } = await server.listen({ port: 0 });
  const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
  const client = createClient(EmbeddingService, transport);
  return {
    /** Gives the tokens that the response says it was billed for. */
    embed: async (texts: string[]) => {
      const { usage } = await client.embedTexts({ texts, purpose: EmbeddingPurpose.QUERY }, { timeoutMs: callLimitMs });
      return usage?.inputTokenCount ?? 0;
    },
    close: async () => {
      transport.close();
      await server.drain({ limitMs: 2_000 });
      await module.stop?.();
      metrics.close();
    },
  };
}
