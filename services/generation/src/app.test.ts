import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { AnswererKind, FinishReason } from "@quartet/contracts/type/v1/answer";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { reasonOf, retryDelayMsOf } from "@quartet/errors";
import { createClient, createGrpcTransport, createRpcServer } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { type FakeProvider, providerErrors, soonestMs, startFakeProvider } from "@quartet/testing";
import type { ConnectError } from "@connectrpc/connect";
import { createModule, parseConfig } from "./app.ts";

const key = "sk-canary-0123456789abcdef";
const document = "Rollo was the leader of the Normans. He swore fealty to King Charles III.";
const passages = [{ documentId: "n", title: "Normans", text: document, endOffset: document.length, score: 1 }];
const question = "Who was the leader of the Normans?";

let provider: FakeProvider;
const closers: (() => Promise<unknown> | undefined)[] = [];
beforeEach(async () => {
  provider = await startFakeProvider({ keys: { [key]: {} } });
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await provider.close();
});

/** The service on gRPC, as it is in a cluster. */
async function serve(environment: Record<string, string> = {}) {
  const log: string[] = [];
  const logger = createLogger({ service: "generation", destination: { write: (line: string) => void log.push(line) } });
  const config = parseConfig({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: key, ...environment });
  const module = createModule(config, {
    log: logger,
    metrics: createMetrics({ component: "generation", processMetrics: false }),
  });
  const server = createRpcServer({ logger }).mount(module.routes);
  const { port } = await server.listen({ port: 0 });
  const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
  closers.push(
    () => module.stop?.(),
    () => server.drain({ limitMs: 2_000 }),
    async () => transport.close(),
  );
  return { client: createClient(GenerationService, transport), log };
}

type Client = Awaited<ReturnType<typeof serve>>["client"];

async function ask(client: Client, options: { signal?: AbortSignal; timeoutMs?: number } = {}) {
  let text = "";
  let end;
  let error: ConnectError | undefined;
  try {
    for await (const { event } of client.generateAnswer({ question, passages }, options)) {
      if (event.case === "textDelta") text += event.value.text;
      if (event.case === "end") end = event.value;
    }
  } catch (thrown) {
    error = thrown as ConnectError;
  }
  return { text, end, error };
}

describe("the generation service", () => {
  it("answers with the model that is configured", async () => {
    const { client } = await serve();
    const { text, end } = await ask(client);
    expect(text).toBe("Rollo was the leader of the Normans. [1]");
    expect(end).toMatchObject({
      answerer: { kind: AnswererKind.MODEL, model: "gpt-4o-mini", promptVersion: "answer-2" },
      finishReason: FinishReason.STOP,
      citations: [{ number: 1, documentId: "n", text: document, highlights: [{ startOffset: 0, endOffset: 36 }] }],
      usage: { callCount: 1, estimated: false },
      degradations: [],
    });
  });

  it.each([
    ["refused", { error: providerErrors.auth(key) }],
    ["broken", { error: providerErrors.server(500) }],
    ["no provider at all", { html: true }],
    ["silent", { hang: true }],
  ])("quotes sentences where the provider is %s, says so, and logs no key", async (_how, behaviour) => {
    provider.set(behaviour);
    // Long enough for a busy machine to ask at all: a call that is given up before it is sent counts as one, too.
    const { client, log } = await serve({ QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "4s" });
    const { text, end, error } = await ask(client);
    expect(error).toBeUndefined();
    expect(text).toContain("Rollo was the leader of the Normans. [1]");
    expect(end).toMatchObject({
      answerer: { kind: AnswererKind.EXTRACTIVE },
      degradations: [{ hop: "generation", reason: "EXTRACTIVE_FALLBACK" }],
    });
    expect(end!.usage!.callCount).toBe(provider.requests.length);
    expect(log.join("")).toContain("sentences are quoted instead");
    expect(log.join("")).not.toContain("canary");
  });

  it("quotes sentences in time where the model does not begin before the caller's deadline", async () => {
    provider.set({ hang: true });
    const { client } = await serve();
    const { end } = await ask(client, { timeoutMs: 4_000 });
    expect(end?.answerer?.kind).toBe(AnswererKind.EXTRACTIVE);
  });

  it("fails with a typed error where no fallback is wanted", async () => {
    provider.set({ error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) });
    const { client, log } = await serve({ QUARTET_GENERATION_FALLBACK: "none" });
    const { error } = await ask(client);
    expect({ code: error?.code, reason: reasonOf(error) }).toEqual({
      code: Code.ResourceExhausted,
      reason: "LLM_RATE_LIMIT",
    });
    expect(retryDelayMsOf(error)).toBeGreaterThan(20_000);
    expect(log.join("")).not.toContain("canary");
  });

  it("fails with what was spent where the model breaks off", async () => {
    provider.set({ answer: ["Rollo ", "was ", "a "], cut: { afterPieces: 3, by: "reset" } });
    const { client } = await serve();
    const { text, end, error } = await ask(client);
    expect(text).toMatch(/^Rollo was/);
    expect(end).toBeUndefined();
    expect({ code: error?.code, reason: reasonOf(error) }).toEqual({
      code: Code.Unavailable,
      reason: "STREAM_TRUNCATED",
    });
    expect(error?.findDetails(TokenUsageSchema)).toMatchObject([{ callCount: 1, estimated: true }]);
  });

  it.each([
    ["waits for the first token", { hang: true }],
    ["reads", { endless: true, answer: "on ", pieceMs: 5 }],
  ])("closes the provider's socket within a second when a caller leaves who %s", async (_how, behaviour) => {
    provider.set(behaviour);
    const { client } = await serve();
    const tookMs = await soonestMs(1_000, async () => {
      const before = provider.requests.length;
      const caller = new AbortController();
      const asked = ask(client, { signal: caller.signal });
      await provider.arrived(before + 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const left = performance.now();
      caller.abort();
      expect((await asked).error?.code).toBe(Code.Canceled);
      await provider.requests[before]!.closed;
      return provider.requests[before]!.closedAt! - left;
    });
    expect(tookMs).toBeLessThan(1_000);
  });

  it("asks no provider where quoting is configured", async () => {
    const { client } = await serve({ QUARTET_ANSWERER: "extractive" });
    const { end } = await ask(client);
    expect(end).toMatchObject({ answerer: { kind: AnswererKind.EXTRACTIVE }, degradations: [] });
    expect(end!.usage).toBeUndefined();
    expect(provider.requests).toHaveLength(0);
  });

  it("refuses what the contract does not allow", async () => {
    const { client } = await serve();
    const call = client.generateAnswer({ question: "  " });
    await expect(call.next()).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});
