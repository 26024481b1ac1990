import { ConnectError, createContextValues, type Transport } from "@connectrpc/connect";
import { EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { type GenerationEnd, GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import type { Money, TokenUsage } from "@quartet/contracts/type/v1/usage";
import * as embedding from "@quartet/embedding-service";
import * as generation from "@quartet/generation-service";
import { createClient, createInMemoryTransport, principalKey, type ServiceModule } from "@quartet/rpc";
import { createInstanceReporter } from "@quartet/service";
import { createLogger, createMetrics } from "@quartet/telemetry";

export type Environment = Readonly<Record<string, string>>;

/** One replica of embedding and one of generation, each with a budget of its own, as separate processes have. */
export interface BudgetedServices {
  /** The answer's end; fails as the call does. */
  ask(tenant: string, options?: AskOptions): Promise<GenerationEnd>;
  embed(tenant: string, ...texts: string[]): Promise<TokenUsage | undefined>;
  relay(tenant: string, body: object): Promise<TokenUsage | undefined>;
  /** In billionths of a dollar, as generation tells them. */
  budget(tenant: string): Promise<{ readonly spent: number; readonly platform: number; readonly reserved: number }>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
  /** Told of each piece of text. */
  readonly onText?: () => void;
  readonly sections?: readonly string[];
}

const text = "롤로는 노르만족의 지도자였다.";
const passages = [{ documentId: "n", title: "Normans", text, endOffset: [...text].length, score: 1 }];
let questions = 0;

/** The test that starts it closes it. */
export async function startBudgetedServices(environment: Environment): Promise<BudgetedServices> {
  const telemetry = (component: string) => ({
    log: createLogger({ service: component, level: "silent" }),
    metrics: createMetrics({ component, processMetrics: false }),
  });
  const fixed = { QUARTET_GENERATION_FALLBACK: "none", QUARTET_EMBEDDING_DIMENSIONS: "64", ...environment };
  const modules = {
    embedding: embedding.createModule(embedding.parseConfig(fixed), telemetry("embedding")),
    generation: generation.createModule(generation.parseConfig(fixed), telemetry("generation")),
  };
  for (const module of Object.values(modules)) await module.start?.(AbortSignal.timeout(10_000));
  const hosted = { embedding: host(modules.embedding), generation: host(modules.generation) };
  const embedder = createClient(EmbeddingService, hosted.embedding.transport);
  const generator = createClient(GenerationService, hosted.generation.transport);
  const instance = createClient(InstanceService, hosted.generation.transport);
  const as = (tenant: string) => createContextValues().set(principalKey, { tenant, roles: [] });

  return {
    ask: async (tenant, { signal, onText, sections = [] } = {}) => {
      const question = `Who led the Normans? (${(questions += 1)})`;
      const request = { question, passages, sections: sections.map((name) => ({ name })) };
      const options = { contextValues: as(tenant), ...(signal && { signal }) };
      for await (const { event } of generator.generateAnswer(request, options)) {
        if (event.case === "textDelta") onText?.();
        if (event.case === "end") return event.value;
      }
      throw new Error("an answer without its end");
    },
    embed: async (tenant, ...texts) => (await embedder.embedTexts({ texts }, { contextValues: as(tenant) })).usage,
    relay: async (tenant, body) => {
      const request = { body: Buffer.from(JSON.stringify(body)) };
      return (await generator.relayChat(request, { contextValues: as(tenant) })).usage;
    },
    budget: async (tenant) => {
      const { status } = await instance.getInstanceReport({}, { contextValues: as(tenant) });
      const of = (scope: string) => status?.budgets.find((each) => each.scope === scope);
      return {
        spent: nanosOf(of("tenant")?.spent),
        platform: nanosOf(of("platform")?.spent),
        reserved: nanosOf(of("platform")?.reserved),
      };
    },
    close: async () => {
      for (const each of Object.values(hosted)) each.close();
      for (const module of Object.values(modules)) await module.stop?.();
    },
  };
}

function host(module: ServiceModule): { readonly transport: Transport; readonly close: () => void } {
  const reporter = createInstanceReporter({ service: "test", modules: [module] });
  const transport = createInMemoryTransport((add) => {
    module.routes(add);
    reporter.routes(add);
  });
  return { transport, close: () => reporter.close() };
}

export const nanosOf = (money: Money | undefined): number =>
  money === undefined ? Number.NaN : Number(money.units) * 1e9 + money.nanos;

/** What a call failed with. @throws when it did not */
export async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call did not fail");
}
