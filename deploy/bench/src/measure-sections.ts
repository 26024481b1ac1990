import { type FakeProvider, startFakeProvider } from "@quartet/fake-provider";
import { createModule, parseConfig } from "@quartet/generation-service";
import { type GenerationEnd, GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { createClient, createGrpcTransport, createRpcServer } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { median, quantile } from "./load.ts";

/** How the provider paces an answer: 600 ms from the request to its end. */
export const sectionPace = {
  answer: ["One ", "two ", "three ", "four ", "five. [1]"],
  firstPieceMs: 200,
  pieceMs: 100,
};
export const sectionNames = ["summary", "symbols", "recommendations"] as const;

/** The target: one section and 10 %. */
const targetMs = 660;

export interface SectionsTimes {
  /** One section by itself: what all else is to be compared with. */
  readonly aloneMs: number;
  readonly togetherMs: number;
  readonly togetherP95Ms: number;
  /** One call after the other, each for one section. */
  readonly inTurnMs: number;
  /** Together over in turn, round by round: the median. */
  readonly ratio: number;
  /** With one key that takes one call at a time. */
  readonly limited: LimitedSections;
  /** Whether the median round ended in time, and all sections arrived with the limited key. */
  readonly met: boolean;
}

export interface LimitedSections {
  readonly wallMs: number;
  /** The sections that are whole. */
  readonly arrived: readonly string[];
  /** What the response says was left out. */
  readonly said: readonly string[];
  /** Calls that reached the provider, those it refused among them. */
  readonly calls: number;
}

/** Together, in turn and one alone, round by round, so that all meet the same machine: the generation service on gRPC over a paced provider. */
export async function measureSections({ rounds }: { readonly rounds: number }): Promise<SectionsTimes> {
  const provider = await startFakeProvider(sectionPace);
  const { write, close } = await startGeneration(provider);
  try {
    await write(sectionNames.slice(0, 1));
    const times: { aloneMs: number; togetherMs: number; inTurnMs: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { wallMs: togetherMs } = await write(sectionNames);
      let inTurnMs = 0;
      let aloneMs = 0;
      for (const name of sectionNames) inTurnMs += aloneMs = (await write([name])).wallMs;
      times.push({ aloneMs, togetherMs, inTurnMs });
    }
    const together = times.map(({ togetherMs }) => togetherMs).sort((left, right) => left - right);
    const limited = await measureLimited(provider, write);
    return {
      aloneMs: median(times.map(({ aloneMs }) => aloneMs)),
      togetherMs: median(together),
      togetherP95Ms: quantile(together, 0.95),
      inTurnMs: median(times.map(({ inTurnMs }) => inTurnMs)),
      ratio: median(times.map(({ togetherMs, inTurnMs }) => togetherMs / inTurnMs)),
      limited,
      met: median(together) <= targetMs && limited.arrived.length === sectionNames.length,
    };
  } finally {
    await close();
    await provider.close();
  }
}

type Write = Awaited<ReturnType<typeof startGeneration>>["write"];

async function measureLimited(provider: FakeProvider, write: Write): Promise<LimitedSections> {
  provider.set({ limit: { concurrent: 1 } });
  const before = provider.requests.length;
  const { wallMs, whole, end } = await write(sectionNames);
  return {
    wallMs,
    arrived: whole,
    said: end.degradations.map(({ reason }) => reason),
    calls: provider.requests.length - before,
  };
}

const text = "Leave is fifteen days a year. It is asked for three days before.";
const passages = [{ documentId: "leave", title: "Leave", text, endOffset: text.length, score: 1 }];

async function startGeneration(provider: FakeProvider) {
  const telemetry = {
    log: createLogger({ service: "generation", level: "silent" }),
    metrics: createMetrics({ component: "generation", processMetrics: false }),
  };
  const config = parseConfig({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "sk-bench" });
  const module = createModule(config, telemetry);
  await module.start?.(new AbortController().signal);
  const server = createRpcServer({}).mount(module.routes);
  const { port } = await server.listen({ port: 0 });
  const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
  const client = createClient(GenerationService, transport);
  return {
    async write(names: readonly string[]) {
      const sections = names.map((name) => ({ name }));
      const whole: string[] = [];
      let end: GenerationEnd | undefined;
      const started = performance.now();
      const request = { question: "How long is leave?", passages, sections };
      for await (const { event } of client.generateAnswer(request, { timeoutMs: 60_000 })) {
        if (event.case === "section" && !event.value.failure) whole.push(event.value.name);
        if (event.case === "end") end = event.value;
      }
      if (end === undefined) throw new Error("the answer has no end");
      return { wallMs: performance.now() - started, whole, end };
    },
    async close() {
      transport.close();
      await server.drain({ limitMs: 1_000 });
      await module.stop?.();
      telemetry.metrics.close();
    },
  };
}
