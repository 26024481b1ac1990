import { type Code, ConnectError, type Transport } from "@connectrpc/connect";
import { EmbeddingService, type EmbedTextsResponse } from "@quartet/contracts/embedding/v1/embedding_service";
import { type GenerationEnd, GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { createModule as createEmbedding, parseConfig as parseEmbeddingConfig } from "@quartet/embedding-service";
import { createModule as createGeneration, parseConfig as parseGenerationConfig } from "@quartet/generation-service";
import { reasonOf } from "@quartet/errors";
import { createClient, createGrpcTransport, createRpcServer, type PoolFigures, type ServiceModule } from "@quartet/rpc";
import type { Telemetry } from "@quartet/service";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { type FakeProvider, type FakeProviderOptions, startFakeProvider } from "@quartet/testing";
import { keyVariables } from "./key-variables.ts";

/** Three keys that must be seen nowhere but at the provider. */
export const keys = ["sk-canary-aaaa1111", "sk-canary-bbbb2222", "sk-canary-cccc3333"] as const;

/** What a provider says, and nobody else may. */
const SECRETS = /canary|org-fake|openai\.com|Sorry about that|chatcmpl-fake|"ind/;

/** A service as it is in a cluster: on gRPC, with a provider that fails as told. */
export interface ProviderService {
  readonly provider: FakeProvider;
  readonly transport: Transport;
  /** The value of a series, as `quartet_hop_breaker_open{hop="generation.answers"}`. */
  metric(series: string): Promise<number>;
  /** What it tells of its connections to the provider. */
  connections(): Promise<PoolFigures | undefined>;
  /** All that anybody could see of it: logs, metrics, and errors that callers got. @throws when a secret of the provider is in there. */
  checkSecrets(errors: readonly unknown[]): Promise<void>;
  close(): Promise<void>;
}

export interface ProviderServiceOptions {
  readonly service: "generation" | "embedding";
  readonly environment?: Readonly<Record<string, string>>;
  readonly provider?: FakeProviderOptions;
}

/** The test that starts it closes it. */
export async function startProviderService(options: ProviderServiceOptions): Promise<ProviderService> {
  const { service } = options;
  const provider = await startFakeProvider({
    keys: Object.fromEntries(keys.map((key) => [key, {}])),
    ...options.provider,
  });
  const lines: string[] = [];
  const log = createLogger({
    service,
    level: "debug",
    destination: { write: (line: string) => void lines.push(line) },
  });
  const telemetry = { log, metrics: createMetrics({ component: service, processMetrics: false }) };
  const module = createModule(service, telemetry, {
    OPENAI_BASE_URL: provider.baseUrl,
    ...keyVariables(keys),
    ...options.environment,
  });
  const server = createRpcServer({ logger: log }).mount(module.routes);
  const { port } = await server.listen({ port: 0 });
  const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
  const exposition = async () => (await telemetry.metrics.exposition()).text;
  return {
    provider,
    transport,
    metric: async (series) => {
      const start = `${series.slice(0, -1)},component=`;
      const line = (await exposition()).split("\n").find((each) => each.startsWith(start));
      return Number(line?.slice(line.lastIndexOf(" ")));
    },
    connections: async () => {
      const figures = await module.figures?.(AbortSignal.timeout(10_000));
      return figures?.pools?.find(({ name }) => name === "provider");
    },
    checkSecrets: async (errors) => {
      const seen = [...lines, await exposition(), ...errors.map(textOfError)];
      const leak = seen.find((text) => SECRETS.test(text));
      if (leak !== undefined) throw new Error(`a secret got out: ${leak}`);
    },
    close: async () => {
      transport.close();
      await server.drain({ limitMs: 5_000 });
      await module.stop?.();
      await provider.close();
    },
  };
}

function createModule(
  service: ProviderServiceOptions["service"],
  telemetry: Telemetry,
  environment: Readonly<Record<string, string>>,
): ServiceModule {
  if (service === "embedding") {
    const config = parseEmbeddingConfig({ QUARTET_EMBEDDING_DIMENSIONS: "64", ...environment });
    return createEmbedding(config, telemetry);
  }
  return createGeneration(parseGenerationConfig({ QUARTET_GENERATION_FALLBACK: "none", ...environment }), telemetry);
}

/** Everything that travels with an error. */
function textOfError(error: unknown): string {
  const { message, metadata, details = [] } = error as Partial<ConnectError>;
  const values = details.map((detail) => ("type" in detail ? Buffer.from(detail.value).toString("latin1") : ""));
  return [message, ...(metadata === undefined ? [] : [...metadata].flat()), ...values].join("\n");
}

export interface Answer {
  readonly text: string;
  /** Exactly one of the two. */
  readonly end: GenerationEnd | undefined;
  readonly error: ConnectError | undefined;
  /** What whoever is told of the error can see of it. */
  readonly code: Code | undefined;
  readonly reason: string | undefined;
}

const document = "롤로는 노르만족의 지도자였다. He swore fealty to King Charles III.";
const passages = [{ documentId: "n", title: "Normans", text: document, endOffset: [...document].length, score: 1 }];

let questions = 0;

/** Asks the generation service something that nobody asked before, and reads its answer to the end. @throws when it ends in no way, or in both. */
export async function ask(
  { transport }: ProviderService,
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
): Promise<Answer> {
  let text = "";
  let end: GenerationEnd | undefined;
  let error: ConnectError | undefined;
  try {
    const question = `Who was the leader of the Normans? (${++questions})`;
    for await (const { event } of createClient(GenerationService, transport).generateAnswer(
      { question, passages },
      options,
    )) {
      if (event.case === "textDelta") text += event.value.text;
      if (event.case === "end") end = event.value;
    }
  } catch (thrown) {
    error = ConnectError.from(thrown);
  }
  if ((end === undefined) === (error === undefined)) throw new Error("an answer ends once, whole or with an error");
  return { text, end, error, code: error?.code, reason: error && reasonOf(error) };
}

export interface Embedded {
  readonly response: EmbedTextsResponse | undefined;
  readonly error: ConnectError | undefined;
  readonly code: Code | undefined;
  readonly reason: string | undefined;
}

/** Asks the embedding service. */
export async function embed(
  { transport }: ProviderService,
  texts: string[],
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
): Promise<Embedded> {
  try {
    const response = await createClient(EmbeddingService, transport).embedTexts({ texts }, options);
    return { response, error: undefined, code: undefined, reason: undefined };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    return { response: undefined, error, code: error.code, reason: reasonOf(error) };
  }
}
