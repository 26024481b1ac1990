import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { createKeyPool } from "@quartet/key-pool";
import { type FakeProvider, providerErrors, startFakeProvider, until } from "@quartet/testing";
import { ConnectionError, ErrorReply, ProtocolError, StreamBrokenError } from "./errors.ts";
import { type CallContext, type ChatParameters, createProviderClient, type ProviderClient } from "./provider-client.ts";
import type { ProviderReply } from "./reply.ts";
import { classify } from "./verdict.ts";

const key = "sk-canary-1";
const chat: ChatParameters = { model: "m", messages: [{ role: "user", content: "뭐?" }], stream: true };
const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const name of ["OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"]) delete process.env[name];
  for (const close of closers.splice(0).reverse()) await close();
});

function clientOf(baseUrl: string): ProviderClient {
  const client = createProviderClient({ baseUrl, connections: 4, maxReplyBytes: 1_000_000 });
  closers.push(() => client.close());
  return client;
}

/** A server that answers as told, byte for byte. */
async function serve(answer: (response: ServerResponse, request: IncomingMessage) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    request.resume();
    request.once("end", () => answer(response, request));
  }).on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
async function eventsOf(reply: ProviderReply): Promise<string[]> {
  const events: string[] = [];
  for await (const together of reply.events()) events.push(...together.map(({ data }) => data));
  return events;
}

/** Both ways to ask. */
type Ask = (client: ProviderClient, heard?: (id: string) => void, signal?: AbortSignal) => Promise<ProviderReply>;
const ways: [string, Ask][] = [
  ["the SDK", (client, ...given) => client.chat(key, chat, contextOf(...given))],
  [
    "a body as it is",
    (client, ...given) => client.post(key, "/chat/completions", JSON.stringify(chat), contextOf(...given)),
  ],
];
const contextOf = (heard?: (id: string) => void, signal = new AbortController().signal): CallContext => ({
  signal,
  ...(heard && { heard: (headers) => heard(headers.get("x-request-id") ?? "") }),
});

describe.each(ways)("through %s", (_way, ask) => {
  let provider: FakeProvider;
  beforeEach(async () => {
    Object.assign(process.env, { OPENAI_CUSTOM_HEADERS: "x-own: 1", OPENAI_ORG_ID: "o", OPENAI_PROJECT_ID: "p" });
    provider = await startFakeProvider({ answer: ["하나 ", "둘"] });
    closers.push(() => provider.close());
  });

  it("sends the same request, and reads the same events", async () => {
    const heard: string[] = [];
    const events = await eventsOf(await ask(clientOf(provider.baseUrl), (id) => heard.push(id)));
    const contents = events.map(
      (data) => (JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices[0],
    );
    expect(contents.map((choice) => choice?.delta.content ?? "").join("")).toBe("하나 둘");
    expect(provider.requests[0]).toMatchObject({ method: "POST", path: "/v1/chat/completions", key, body: chat });
    expect(heard).toEqual(["req_fake_1"]);
    const fromEnvironmentOrMachine = /^(x-stainless|x-own|openai-(organization|project))/;
    expect(Object.keys(provider.requests[0]!.headers).filter((name) => fromEnvironmentOrMachine.test(name))).toEqual(
      [],
    );
  });

  it("keeps its connection, where the stream was read to its end", async () => {
    const client = clientOf(provider.baseUrl);
    for (let calls = 0; calls < 3; calls++) await eventsOf(await ask(client));
    expect(provider.requests.map(({ leftEarly }) => leftEarly)).toEqual([false, false, false]);
    await until(() => client.figures().idleCount > 0);
  });

  it.each([
    ["before the reply", { hang: true }],
    ["while it is read", { endless: true, pieceMs: 5 }],
  ])("is cancelled %s, with the caller's reason", async (_when, behaviour) => {
    provider.set(behaviour);
    const caller = new AbortController();
    const given = caught(ask(clientOf(provider.baseUrl), undefined, caller.signal).then(eventsOf));
    await provider.arrived(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    caller.abort(new Error("left"));
    expect(await given).toMatchObject({ message: "left" });
    await provider.requests[0]!.closed;
    expect(provider.requests[0]!.leftEarly).toBe(true);
  });

  it("gives an error's status, headers and names, and not one of its words", async () => {
    provider.set({ error: providerErrors.badRequest("no sk-canary-1 here", "max_tokens", "string_above_max_length") });
    const heard: string[] = [];
    const error = await caught(ask(clientOf(provider.baseUrl), (id) => heard.push(id)));
    expect(error).toBeInstanceOf(ErrorReply);
    expect(error).toMatchObject({
      status: 400,
      code: "string_above_max_length",
      type: "invalid_request_error",
      param: "max_tokens",
    });
    expect((error as ErrorReply).headers!.get("x-request-id")).toBe("req_fake_1");
    expect(heard).toEqual(["req_fake_1"]);
    expect(`${(error as Error).stack}${JSON.stringify(error)}${String((error as Error).cause)}`).not.toContain(
      "canary",
    );
  });

  it("gives an error whose body never ends, or is none", async () => {
    const endless = await serve((response) => response.writeHead(503).write("<html>"));
    expect(await caught(ask(clientOf(endless)))).toMatchObject({ name: "ErrorReply", status: 503, code: undefined });
    const elsewhere = await serve((response) => response.writeHead(307, { location: "http://127.0.0.1:9/" }).end());
    expect(await caught(ask(clientOf(elsewhere)))).toMatchObject({ name: "ErrorReply", status: 307 });
  });

  it.each([
    ["a page", { "content-type": "text/html" }],
    ["nothing in particular", {}],
    ["a whole reply", { "content-type": "application/json" }],
    ["compressed events, which nobody asked for", { "content-type": "text/event-stream", "content-encoding": "gzip" }],
  ])("takes %s for no stream", async (_what, headers) => {
    const url = await serve((response) => response.writeHead(200, headers).end("data: {}\n\n"));
    expect(await caught(ask(clientOf(url)).then(eventsOf))).toBeInstanceOf(ProtocolError);
  });

  it.each([
    ["ends without [DONE] and without its last blank line", 'data: {"a":1}\n\ndata: {"b":2}', ['{"a":1}', '{"b":2}']],
    ["leaves out the blank line after [DONE]", 'data: {"a":1}\n\ndata: [DONE]\n', ['{"a":1}']],
    ["is cut off within an event", 'data: {"a":1}\n\ndata: {"b":', ['{"a":1}']],
    ["goes on after [DONE]", 'data: {"a":1}\n\ndata: [DONE]\n\ndata: {"b":2}\n\n', ['{"a":1}']],
  ])("reads a stream that %s", async (_how, body, events) => {
    const url = await serve((response) => response.writeHead(200, { "content-type": "text/event-stream" }).end(body));
    expect(await eventsOf(await ask(clientOf(url)))).toEqual(events);
  });

  it("does not wait for the end of what is over", async () => {
    const url = await serve((response) => {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      response.write('data: {"a":1}\n\ndata: [DONE]\n\n');
    });
    expect(await eventsOf(await ask(clientOf(url)))).toEqual(['{"a":1}']);
  });

  it.each([
    [
      'data: {"error":{"code":"insufficient_quota"}}\n\n',
      { name: "ErrorReply", status: undefined, code: "insufficient_quota" },
    ],
    ['event: error\ndata: {"code":"overloaded"}\n\n', { name: "ErrorReply", code: "overloaded" }],
    ['data: {"error":"out of luck"}\n\n', { name: "ErrorReply", code: undefined }],
    ["data: {\n\n", { name: "ProtocolError" }],
  ])("tells what is wrong within a stream: %j", async (body, expected) => {
    const url = await serve((response) => response.writeHead(200, { "content-type": "text/event-stream" }).end(body));
    expect(await caught(ask(clientOf(url)).then(eventsOf))).toMatchObject(expected);
  });

  it("counts a connection once that was closed while it was idle, and asks on another", async () => {
    const calls = new Map<Socket, number>();
    const url = await serve((response, { socket }) => {
      calls.set(socket, (calls.get(socket) ?? 0) + 1);
      // As a provider does whose patience ends in the very moment in which the next call is on its way.
      if (calls.get(socket)! > 1) return void socket.destroy();
      response.writeHead(200, { "content-type": "text/event-stream" }).end("data: {}\n\ndata: [DONE]\n\n");
    });
    const client = clientOf(url);
    const pool = createKeyPool({ keys: [{ label: "key-1", value: key }], classify, random: () => 0 });
    const attempt = () => pool.run(async () => await eventsOf(await ask(client)));
    await attempt();
    await until(() => client.figures().idleCount === 1);
    // Which of the kept ones is taken is the pool's choice: one of a few calls meets one that was used before.
    await until(async () => {
      expect(await attempt()).toEqual(["{}"]);
      return pool.usage()[0]!.errors > 0;
    });
    const [usage] = pool.usage();
    expect(usage!.errors).toBe(1);
    expect(usage!.calls).toBe([...calls.values()].reduce((sum, count) => sum + count, 0));
  });
});

describe("a reply that is not streamed", () => {
  const embed = (client: ProviderClient) => client.embeddings(key, { model: "m", input: "글" }, contextOf());

  it("is given as it was sent, and read", async () => {
    const url = await serve((response) =>
      response.writeHead(200, { "content-type": "application/json" }).end('{"data": ["글"]}'),
    );
    expect(await (await embed(clientOf(url))).whole()).toEqual({ data: '{"data": ["글"]}', value: { data: ["글"] } });
  });

  it("is no JSON, broken off, or of another kind", async () => {
    const answerWith = async (type: string, body: string, length = Buffer.byteLength(body)) => {
      const url = await serve((response) => {
        response.writeHead(200, { "content-type": type, "content-length": length }).write(body);
        if (length > body.length) response.socket!.end();
        else response.end();
      });
      return caught(embed(clientOf(url)).then((reply) => reply.whole()));
    };
    expect(await answerWith("application/json", "{")).toBeInstanceOf(ProtocolError);
    expect(await answerWith("text/html", "{}")).toBeInstanceOf(ProtocolError);
    expect(await answerWith("application/json", "{}", 10)).toBeInstanceOf(StreamBrokenError);
  });

  it("does not come: the error tells no address", async () => {
    const error = await caught(embed(clientOf("http://127.0.0.1:9/v1")));
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toBe("no connection to the model provider: ECONNREFUSED");
  });
});
