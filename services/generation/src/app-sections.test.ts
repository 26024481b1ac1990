import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Code, type ConnectError } from "@connectrpc/connect";
import { type GenerationEnd, GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { AnswererKind, FinishReason, type Section } from "@quartet/contracts/type/v1/answer";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { reasonOf } from "@quartet/errors";
import {
  createClient,
  createGrpcTransport,
  createInMemoryTransport,
  createRpcServer,
  type ServiceModule,
} from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import {
  type FakeProvider,
  type FakeRequest,
  providerErrors,
  soonestMs,
  startFakeProvider,
  until,
} from "@quartet/testing";
import { createModule, parseConfig } from "./app.ts";

const key = "sk-canary-0123456789abcdef";
const document = "연차 휴가는 15일이다. 휴가 중에는 보안 위험이 있다. Refunds take 14 days.";
const passages = [{ documentId: "leave", title: "휴가", text: document, endOffset: [...document].length, score: 1 }];
const question = "휴가는 며칠입니까?";
const names = ["summary", "symbols", "recommendations"];
const sections = names.map((name) => ({ name }));

/** The user's message of a chat. */
const promptOf = ({ body }: FakeRequest) =>
  (body as { messages: { content: string }[] }).messages.map(({ content }) => content).join("\n");
const sectionOf = (request: FakeRequest) => /^Section: (.*)$/m.exec(promptOf(request))?.[1] ?? "";

/** Says which section it writes, in pieces that cut Korean and marks anywhere. */
const answer = (request: FakeRequest) => [`${sectionOf(request)}: 휴`, "가 [", "1] 끝"];
const wholeOf = (name: string) => `${name}: 휴가 [1] 끝`;

let provider: FakeProvider;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  provider = await startFakeProvider({ keys: { [key]: {} }, answer });
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await provider.close();
});

type Host = "gRPC" | "memory";

async function reach(module: ServiceModule, host: Host) {
  if (host === "memory") return createInMemoryTransport(module.routes);
  const server = createRpcServer({}).mount(module.routes);
  const { port } = await server.listen({ port: 0 });
  const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
  closers.push(
    () => server.drain({ limitMs: 5_000 }),
    () => transport.close(),
  );
  return transport;
}

async function serve(environment: Record<string, string> = {}, host: Host = "gRPC") {
  const lines: string[] = [];
  const log = createLogger({ service: "generation", destination: { write: (line: string) => void lines.push(line) } });
  const metrics = createMetrics({ component: "generation", processMetrics: false });
  const config = parseConfig({
    ...{ OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: key, QUARTET_GENERATION_FALLBACK: "none" },
    ...environment,
  });
  const module = createModule(config, { log, metrics });
  closers.push(() => module.stop?.());
  const client = createClient(GenerationService, await reach(module, host));
  return { client, lines, module, metricsText: async () => (await metrics.exposition()).text };
}

type Client = Awaited<ReturnType<typeof serve>>["client"];
interface Asked {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly request?: object;
}

async function ask(client: Client, { request = {}, ...options }: Asked = {}) {
  const texts: Record<string, string> = {};
  const over: Section[] = [];
  let late = 0;
  let end: GenerationEnd | undefined;
  let error: ConnectError | undefined;
  try {
    const events = client.generateAnswer(
      { question, passages, sections, ...request },
      { timeoutMs: 60_000, ...options },
    );
    for await (const { event } of events) {
      if (event.case === "textDelta") {
        const { section, text } = event.value;
        texts[section] = (texts[section] ?? "") + text;
        if (over.some(({ name }) => name === section)) late += 1;
      }
      if (event.case === "section") over.push(event.value);
      if (event.case === "end") end = event.value;
    }
  } catch (thrown) {
    error = thrown as ConnectError;
  }
  const byName = Object.fromEntries(over.map((section) => [section.name, section]));
  // What every reader may rely on, however it went.
  expect(late).toBe(0);
  expect(new Set(over.map(({ name }) => name)).size).toBe(over.length);
  for (const { name, text } of over) expect(texts[name] ?? "").toBe(text);
  return { texts, over, byName, end, error, reasons: end?.degradations.map(({ reason }) => reason) };
}

describe.each<Host>(["gRPC", "memory"])("sections over %s", (host) => {
  it("come at once from one model, each with its end, and one list of citations", async () => {
    const { client } = await serve({}, host);
    const { byName, over, end, texts } = await ask(client);
    expect(over).toHaveLength(3);
    for (const name of names) {
      expect(texts[name]).toBe(wholeOf(name));
      expect(byName[name]).toMatchObject({ finishReason: FinishReason.STOP, usage: { callCount: 1 } });
    }
    expect(end).toMatchObject({
      finishReason: FinishReason.UNSPECIFIED,
      answerer: { kind: AnswererKind.MODEL },
      citations: [{ number: 1, documentId: "leave" }],
      usage: { callCount: 3, estimated: false },
      degradations: [],
    });
    expect(provider.requests).toHaveLength(3);
  });

  it("that one key takes one at a time all arrive, one after the other, and the end says so", async () => {
    provider.set({ keys: { [key]: { limit: { concurrent: 1 } } }, pieceMs: 50 });
    const { client } = await serve({}, host);
    const { byName, error, reasons } = await ask(client);
    expect(error).toBeUndefined();
    for (const name of names) expect(byName[name]?.text).toBe(wholeOf(name));
    expect(reasons).toEqual(["SECTIONS_SERIALIZED"]);
  });

  it("stand where one is cut in the middle, which keeps its fragment and says why", async () => {
    const cut = { afterPieces: 2, by: "reset" } as const;
    provider.next({ cut, pieceMs: 20 });
    const { client, lines } = await serve({}, host);
    const { over, end, error } = await ask(client);
    expect(error).toBeUndefined();
    const [broken, ...more] = over.filter(({ failure }) => failure !== undefined);
    expect(more).toEqual([]);
    expect(broken).toMatchObject({
      finishReason: FinishReason.UNSPECIFIED,
      failure: { code: "unavailable", reason: "STREAM_TRUNCATED" },
      usage: { callCount: 1, estimated: true },
    });
    expect(wholeOf(broken!.name).startsWith(broken!.text)).toBe(true);
    expect(over.filter(({ text, name }) => text === wholeOf(name))).toHaveLength(2);
    expect(end?.degradations).toMatchObject([
      { hop: "generation", reason: "SECTION_FAILED", message: expect.stringContaining(`Section ${broken!.name} `) },
    ]);
    expect(end?.usage?.callCount).toBe(3);
    expect(lines.join("")).toContain("a section failed; the others stand");
    expect(lines.join("")).not.toContain("canary");
  });

  it("fail together with the most telling failure, and what they cost", async () => {
    provider.set({ error: providerErrors.auth(key) });
    const { client } = await serve({}, host);
    const { error, end } = await ask(client);
    expect(end).toBeUndefined();
    expect({ code: error?.code, reason: reasonOf(error) }).toEqual({
      code: Code.FailedPrecondition,
      reason: "LLM_AUTH",
    });
    expect(error?.findDetails(TokenUsageSchema)).toHaveLength(1);
    expect(String(error)).not.toContain("canary");
  });

  it.each([
    ["before the first token", { firstPieceMs: 60_000 }],
    ["while they write", { endless: true, pieceMs: 5 }],
  ])("close all of the provider's sockets within a second when the caller leaves %s", async (_when, behaviour) => {
    provider.set(behaviour);
    const { client } = await serve({}, host);
    const tookMs = await soonestMs(1_000, async () => {
      const before = provider.requests.length;
      const caller = new AbortController();
      const asked = ask(client, { signal: caller.signal });
      await provider.arrived(before + 3);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const left = performance.now();
      caller.abort();
      expect((await asked).error?.code).toBe(Code.Canceled);
      const made = provider.requests.slice(before);
      await Promise.all(made.map(({ closed }) => closed));
      return Math.max(...made.map(({ closedAt }) => closedAt! - left));
    });
    expect(tookMs).toBeLessThan(1_000);
  });
});

describe("sections", () => {
  it("that wait for their turn are given up when the caller leaves", async () => {
    provider.set({ keys: { [key]: { limit: { concurrent: 1 } } }, endless: true, pieceMs: 5 });
    const { client } = await serve();
    const caller = new AbortController();
    const asked = ask(client, { signal: caller.signal });
    await provider.arrived(2);
    caller.abort();
    expect((await asked).error?.code).toBe(Code.Canceled);
    await provider.requests[0]!.closed;
    const asking = provider.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(provider.requests).toHaveLength(asking);
  });

  it("share the time there is: those that are whole by then are told, the others are out of time", async () => {
    provider.set({
      answer: (request) => (sectionOf(request) === "summary" ? answer(request) : ["느린 ", ...Array(500).fill("말 ")]),
      pieceMs: 20,
    });
    const { client } = await serve({ QUARTET_GENERATION_TIMEOUT: "3s" });
    const { byName, reasons } = await ask(client);
    expect(byName["summary"]).toMatchObject({ text: wholeOf("summary"), finishReason: FinishReason.STOP });
    expect(byName["symbols"]?.failure).toMatchObject({ code: "deadline_exceeded", reason: "OUT_OF_TIME" });
    expect(byName["symbols"]?.text).toMatch(/^느린 말/);
    expect(reasons).toEqual(["SECTION_FAILED", "SECTION_FAILED"]);
  });

  it("fall back one by one: the end says of which no model wrote a word", async () => {
    provider.next({ error: providerErrors.badRequest("no") });
    const { client } = await serve({ QUARTET_GENERATION_FALLBACK: "extractive" });
    const { end, over } = await ask(client);
    expect(over.filter(({ text, name }) => text === wholeOf(name))).toHaveLength(2);
    expect(end?.answerer?.kind).toBe(AnswererKind.MODEL);
    expect(end?.degradations).toMatchObject([
      { reason: "EXTRACTIVE_FALLBACK", message: expect.stringMatching(/^Section \w+: No model answered/) },
    ]);
  });

  it("have prompts that begin alike, and each its own limit, which is never above the configured one", async () => {
    const { client } = await serve({ QUARTET_GENERATION_MAX_TOKENS: "500" });
    const request = {
      sections: [
        { name: "risks", instruction: "어떤 위험이 있습니까?", maxTokenCount: 50 },
        { name: "summary", maxTokenCount: 9_000 },
      ],
      modelOptions: { temperature: 0.25, maxTokenCount: 77 },
    };
    await ask(client, { request });
    const byName = new Map(provider.requests.map((each) => [sectionOf(each), each]));
    const [risks, summary] = [byName.get("risks")!, byName.get("summary")!];
    expect(risks.body).toMatchObject({ max_tokens: 50, temperature: 0.25 });
    expect(summary.body).toMatchObject({ max_tokens: 500, temperature: 0.25 });
    const shared = promptOf(risks).slice(0, promptOf(risks).indexOf("Section: risks"));
    expect(promptOf(summary).startsWith(shared)).toBe(true);
    expect(promptOf(risks)).toMatch(/Instruction: 어떤 위험이 있습니까\?$/);
    // The question is in Korean, and so is what is understood by a name.
    expect(promptOf(summary)).toContain("요약하십시오");
  });

  it("leave an answer without them as it was, with the options of the model", async () => {
    const { client } = await serve({ QUARTET_GENERATION_MAX_TOKENS: "500" });
    const { texts, end } = await ask(client, {
      request: { sections: [], modelOptions: { maxTokenCount: 77, temperature: 0 } },
    });
    expect(Object.keys(texts)).toEqual([""]);
    expect(end?.finishReason).toBe(FinishReason.STOP);
    await ask(client, { request: { sections: [], modelOptions: { maxTokenCount: 9_000 } } });
    expect(provider.requests.map(({ body }) => body)).toMatchObject([
      { max_tokens: 77, temperature: 0 },
      { max_tokens: 500 },
    ]);
    expect(promptOf(provider.requests[0]!)).not.toContain("Section:");
  });

  it("hold what the operator says that their names mean", async () => {
    const { client } = await serve({
      QUARTET_GENERATION_SECTIONS: "risks=List the risks.\nrisks.ko=위험만 적으십시오.",
    });
    await ask(client, { request: { sections: [{ name: "risks" }] } });
    await ask(client, { request: { sections: [{ name: "risks" }], question: "How long is leave?" } });
    expect(provider.requests.map((each) => /Instruction: (.*)$/.exec(promptOf(each))?.[1])).toEqual([
      "위험만 적으십시오.",
      "List the risks.",
    ]);
  });

  it("are quoted where no model is configured: by the question, and by an instruction in the caller's words", async () => {
    const { client } = await serve({ QUARTET_ANSWERER: "extractive" });
    const request = { sections: [{ name: "summary" }, { name: "risks", instruction: "보안 위험은 무엇입니까?" }] };
    const { byName, end } = await ask(client, { request });
    expect(byName["summary"]?.text).toBe("연차 휴가는 15일이다. [1]");
    expect(byName["risks"]?.text).toContain("휴가 중에는 보안 위험이 있다. [1]");
    expect(end).toMatchObject({ answerer: { kind: AnswererKind.EXTRACTIVE }, citations: [{ number: 1 }] });
    expect(provider.requests).toHaveLength(0);
  });

  it("each say that there is no answer where there are no passages", async () => {
    const { client } = await serve();
    const { over } = await ask(client, { request: { passages: [] } });
    expect(over.map(({ finishReason }) => finishReason)).toEqual(Array(3).fill(FinishReason.NO_ANSWER));
    expect(provider.requests).toHaveLength(0);
  });

  it("are counted by name, in the status and in metrics", async () => {
    const { client, module, metricsText } = await serve();
    await ask(client);
    const { counts = [] } = await module.figures!(new AbortController().signal);
    const of = (name: string) => counts.filter((count) => count.name === name);
    expect(new Set(of("section_characters"))).toEqual(
      new Set(names.map((label) => ({ name: "section_characters", label, count: 1, sum: [...wholeOf(label)].length }))),
    );
    expect(of("section_seconds").map(({ count, sum }) => count === 1 && sum > 0)).toEqual([true, true, true]);
    expect(await metricsText()).toMatch(
      /quartet_generation_section_characters_total\{[^}]*section="symbols"[^}]*\} \d+/,
    );
    provider.set({ cut: { afterPieces: 1, by: "fin" } });
    await ask(client);
    await until(async () =>
      /sections_failed_total\{[^}]*section="summary",reason="STREAM_TRUNCATED"[^}]*\} 1/.test(await metricsText()),
    );
  });

  it("may not be more than eight, nor have one name", async () => {
    const { client } = await serve();
    const twice = await ask(client, { request: { sections: [{ name: "a" }, { name: "a" }] } });
    expect(twice.error?.code).toBe(Code.InvalidArgument);
    const nine = Array.from({ length: 9 }, (_, index) => ({ name: `s${index}` }));
    expect((await ask(client, { request: { sections: nine } })).error?.code).toBe(Code.InvalidArgument);
  });
});
