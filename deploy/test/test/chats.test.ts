import { once } from "node:events";
import * as http from "node:http";
import * as net from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { createQuartetClient } from "@quartet/client";
import { type FakeBehaviour, type FakeProvider, providerErrors, startFakeProvider } from "@quartet/testing";
import fc from "fast-check";
import OpenAI, { type APIError } from "openai";
import { keyVariables } from "../src/key-variables.ts";
import { type Running, startStandalone, temporaryFolder } from "../src/processes.ts";

const keys = ["sk-canary-1111", "sk-canary-2222"] as const;
const documents = [
  { id: "leave", title: "휴가 규정", text: "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다." },
  { id: "refunds", title: "Refunds", text: "A refund takes 14 days. It is paid to the card that was charged." },
];
const messages = [
  { role: "system" as const, content: "You are a helpful assistant." },
  { role: "user" as const, content: "연차 휴가는 며칠입니까?" },
];

let provider: FakeProvider;
let data: Awaited<ReturnType<typeof temporaryFolder>>;
let server: Running & { readonly url: string };
let openai: OpenAI;

/** OpenAI's own SDK, as users have it, at the gateway of a standalone Quartet whose provider does what it is told. */
beforeAll(async () => {
  provider = await startFakeProvider({ keys: Object.fromEntries(keys.map((key) => [key, {}])) });
  data = await temporaryFolder();
  server = await startStandalone({
    QUARTET_DATA_DIR: data.path,
    QUARTET_EMBEDDER: "hashed",
    QUARTET_RELAY_MODELS: "gpt-test, other",
    OPENAI_BASE_URL: provider.baseUrl,
    ...keyVariables(keys),
  });
  await createQuartetClient({ baseUrl: server.url }).documents.putDocuments({ documents, wait: 2 });
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
}, 120_000);
afterAll(async () => {
  const exitCode = await server?.stop();
  await provider?.close();
  await data?.[Symbol.asyncDispose]();
  expect(exitCode).toBe(0);
  expect(`${server.stdout()}${server.stderr()}`).not.toContain("canary");
});

const told = new Set<keyof FakeBehaviour>();
const tell = (behaviour: FakeBehaviour) => {
  for (const name of Object.keys(behaviour)) told.add(name as keyof FakeBehaviour);
  provider.set(behaviour);
};
afterEach(() => {
  provider.set(Object.fromEntries([...told].map((name) => [name, undefined])));
  told.clear();
});

const gather = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>) => {
  let text = "";
  let last: OpenAI.ChatCompletionChunk | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    if (chunk.choices.length > 0) last = chunk;
  }
  return { text, last: last! };
};

describe("the model quartet", () => {
  it("answers from the documents with citations, whole and piece by piece, in Korean as well", async () => {
    tell({ answer: ["연차 휴가는 ", "1년에 ", "15일입니다 ", "[1]."] });
    const whole = await openai.chat.completions.create({ model: "quartet", messages });
    const text = "연차 휴가는 1년에 15일입니다 [1].";
    const citation = { number: 1, documentId: "leave", title: "휴가 규정" };
    expect(whole.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: text, citations: [citation] },
    });
    expect(whole.usage!.total_tokens).toBeGreaterThan(0);
    const streamed = await gather(await openai.chat.completions.create({ model: "quartet", messages, stream: true }));
    expect(streamed.text).toBe(text);
    expect(streamed.last.choices[0]).toMatchObject({ finish_reason: "stop", delta: { citations: [citation] } });
  });

  it("quotes sentences, and says so, where the provider fails", async () => {
    tell({ error: providerErrors.server(503) });
    const { choices, ...rest } = await openai.chat.completions.create({
      model: "quartet",
      messages: [{ role: "user", content: "How many days does a refund take?" }],
    });
    expect(choices[0]!.message.content).toContain("14 days");
    expect(rest).toMatchObject({ quartet: { degradations: [{ reason: "EXTRACTIVE_FALLBACK" }] } });
  });
});

describe("other models", () => {
  it("are the provider's, through the pool of keys", async () => {
    tell({ answer: "무엇이든 ", tokens: 3 });
    const before = provider.requests.length;
    const whole = await openai.chat.completions.create({ model: "gpt-test", messages, user: "u-1", seed: 7 });
    expect(whole.choices[0]!.message.content).toContain("무엇이든");
    const streamed = await gather(await openai.chat.completions.create({ model: "gpt-test", messages, stream: true }));
    expect(streamed.text).toBe(whole.choices[0]!.message.content);
    const sent = provider.requests.slice(before);
    expect(sent[0]!.body).toEqual({ model: "gpt-test", messages, user: "u-1", seed: 7 });
    expect(new Set(sent.map(({ key }) => key))).toEqual(new Set(keys));
  });

  it("are those that the operator allows", async () => {
    const ids = [];
    for await (const { id } of openai.models.list()) ids.push(id);
    expect(ids).toEqual(["quartet", "gpt-test", "other"]);
    await expect(openai.chat.completions.create({ model: "gpt-4", messages })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
      param: "model",
    });
  });

  it.each<[number, string, FakeBehaviour]>([
    [400, "context_length_exceeded", { contextTokens: 1 }],
    [503, "llm_protocol", { html: true }],
    [503, "llm_protocol", { cut: { afterPieces: 0, by: "garbage" } }],
  ])("fail as OpenAI's do, without a word of the provider: %d %s", async (status, code, behaviour) => {
    tell(behaviour);
    const error = await openai.chat.completions
      .create({ model: "gpt-test", messages, stream: true })
      .catch((thrown: unknown) => thrown as APIError);
    expect(error).toMatchObject({ status, code });
    expect(JSON.stringify((error as APIError).error)).not.toMatch(/canary|127\.0\.0\.1|org-/);
  });

  it("never end a reply that broke off as if it were whole", async () => {
    tell({ answer: ["하나 ", "둘 ", "셋"], cut: { afterPieces: 2, by: "fin" } });
    const stream = await openai.chat.completions.create({ model: "gpt-test", messages, stream: true });
    let got = "";
    await expect(
      (async () => {
        for await (const { choices } of stream) got += choices[0]?.delta.content ?? "";
      })(),
    ).rejects.toMatchObject({ error: { reason: "STREAM_TRUNCATED" } });
    expect(got).toMatch(/^하나/);
  });

  it.each<[string, string, FakeBehaviour]>([
    ["before the first word", "gpt-test", { firstPieceMs: 60_000 }],
    ["while it is written", "gpt-test", { endless: true, answer: "on ", pieceMs: 20 }],
    ["of quartet, while it is written", "quartet", { endless: true, answer: "on ", pieceMs: 20 }],
  ])("are left by a client who leaves: %s", async (_when, model, behaviour) => {
    tell(behaviour);
    const before = provider.requests.length;
    const caller = new AbortController();
    const content = `휴가? ${Math.random()}`;
    const asked = openai.chat.completions
      .create({ model, messages: [{ role: "user", content }], stream: true }, { signal: caller.signal })
      .then(async (stream) => {
        for await (const _ of stream) caller.abort();
      })
      .catch(() => undefined);
    const chat = await chatAfter(before);
    if (behaviour.firstPieceMs !== undefined) caller.abort();
    await asked;
    await chat.closed;
    expect(chat.leftEarly).toBe(true);
  });
});

async function chatAfter(before: number) {
  await provider.arrived(before + 1);
  return provider.requests[before]!;
}

describe("what nobody should send", () => {
  /** On a connection of its own: one that a client has left just before may be closed while this is sent. */
  const post = async (body: string) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = http.request(`${server.url}/v1/chat/completions`, { method: "POST", headers, agent: false });
    request.end(body);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    return { status: response.statusCode, headers: response.headers, reply: await text(response) };
  };

  it("is refused with an error that says what is wrong, whatever it is", async () => {
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom(1e9, -1, 0, 99, "", "quartet", "gpt-test", [], {}, null));
    const fields = ["model", "messages", "stream", "n", "temperature", "max_tokens", "logit_bias", "stream_options"];
    const body = fc
      .record(Object.fromEntries(fields.map((field) => [field, odd])), { requiredKeys: [] })
      .map((given) => JSON.stringify({ model: "gpt-test", messages, ...given }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(body, fc.string({ unit: "binary" })), async (given) => {
        const { status, headers, reply } = await post(given);
        expect([200, 400, 404]).toContain(status);
        if (status === 200) return;
        const { error } = JSON.parse(reply) as { error: Record<string, unknown> };
        expect(error).toMatchObject({ message: expect.any(String), type: "invalid_request_error" });
        expect(headers["x-request-id"]).toBeDefined();
      }),
      { numRuns: 40 },
    );
    expect((await post(JSON.stringify({ model: "gpt-test", messages }))).status).toBe(200);
  }, 120_000);

  it("in headers is refused or passed over", async () => {
    const { port } = new URL(server.url);
    const send = async (headers: string) => {
      const socket = net.connect(Number(port), "127.0.0.1");
      socket.end(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n`);
      let reply = "";
      socket.on("data", (bytes) => (reply += String(bytes)));
      // A connection that is closed with bytes unread may be reset before its reply is read.
      socket.on("error", () => undefined);
      await new Promise((resolve) => socket.once("close", resolve));
      return reply;
    };
    expect(
      await send("quartet-tenant: other\r\nquartet-roles: admin\r\nauthorization: a\r\nauthorization: b\r\n"),
    ).toMatch(/^HTTP\/1\.1 200 /);
    expect(await send("x-request-id: a\r\n b\r\n")).toMatch(/^HTTP\/1\.1 (200|400) /);
    expect(await send(`x-large: ${"x".repeat(64 * 1024)}\r\n`)).toMatch(/^(HTTP\/1\.1 431 |$)/);
    const odd = await send("x-request-id: <script>\r\n");
    expect(odd).not.toContain("<script>");
  });
});
