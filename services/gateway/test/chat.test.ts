import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type OpenAI from "openai";
import {
  type ChatGateway,
  clientOf,
  type Failed,
  messages,
  openChatGateway,
  postChat,
  question,
  reset,
} from "./chat-gateway.ts";
import { chunk, relayed, relayEnd, text } from "./fakes.ts";

let gateway: ChatGateway;
let openai: OpenAI;

beforeAll(async () => {
  gateway = await openChatGateway();
  openai = clientOf(gateway);
});
afterAll(() => gateway[Symbol.asyncDispose]());
afterEach(() => reset(gateway));

const post = (body: unknown, headers: Record<string, string> = {}, at = gateway) => postChat(at, body, headers);

describe("the model quartet", () => {
  it("answers from the documents, as the SDK expects it, with what the answer cites", async () => {
    const { data, response } = await openai.chat.completions.create(question).withResponse();
    expect(data).toMatchObject({
      object: "chat.completion",
      model: "quartet",
      choices: [
        { index: 0, finish_reason: "stop", message: { role: "assistant", content: "14일 [2]", refusal: null } },
      ],
      usage: { prompt_tokens: 53, completion_tokens: 9, total_tokens: 62 },
      quartet: { answerer: { kind: "ANSWERER_KIND_EXTRACTIVE" }, finishReason: "FINISH_REASON_STOP" },
    });
    expect(data.id).toBe(`chatcmpl-${response.headers.get("x-request-id")}`);
    expect(data.choices[0]!.message).toMatchObject({
      citations: [{ number: 2, documentId: "refunds", uri: "file:refunds" }],
    });
    expect(gateway.inner.requests.generate.at(-1)!.question).toBe("환불은 며칠 걸리나요?");
    expect(gateway.inner.calls).toEqual(expect.arrayContaining(["embed", "search", "compress", "generate"]));
  });

  it("answers piece by piece: the role, the text, why it ended and what it cites, and its usage where that is wanted", async () => {
    const stream = await openai.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const each of stream) chunks.push(each);
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: "assistant", content: "", refusal: null },
      { content: "14일 " },
      { content: "[2]" },
      { citations: [expect.objectContaining({ number: 2 })] },
      undefined,
    ]);
    expect(chunks.at(-2)).toMatchObject({
      choices: [{ finish_reason: "stop" }],
      usage: null,
      quartet: { timings: {} },
    });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 62 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it("is read by the SDK's own helper", async () => {
    const runner = openai.chat.completions.stream(question);
    const pieces: string[] = [];
    runner.on("content", (delta) => void pieces.push(delta));
    const completion = await runner.finalChatCompletion();
    expect(pieces).toEqual(["14일 ", "[2]"]);
    expect(completion.choices[0]!.message).toMatchObject({ content: "14일 [2]", citations: [{ number: 2 }] });
  });

  it("says that the length ended it", async () => {
    gateway.inner.behaviour.generate = async function* () {
      yield text("14일");
      yield { event: { case: "end", value: { finishReason: 2 } } };
    };
    const { choices } = await openai.chat.completions.create(question);
    expect(choices[0]!.finish_reason).toBe("length");
  });

  it("hands on what a client may choose", async () => {
    const extra = { quartet: { passageCount: 3, search: { tags: ["hr"] } } };
    await openai.chat.completions.create({
      ...extra,
      model: "quartet/corpus",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "휴가는?" },
            { type: "text", text: "며칠?" },
          ],
        },
      ],
      temperature: 0.5,
      max_tokens: 50,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming);
    expect(gateway.inner.requests.generate.at(-1)).toMatchObject({
      question: "휴가는?\n며칠?",
      modelOptions: { temperature: 0.5, maxTokenCount: 50 },
    });
    expect(gateway.inner.requests.search.at(-1)).toMatchObject({
      pageSize: 3,
      options: { tags: ["hr"], sources: ["corpus"] },
    });
  });

  it.each<[string | null, object]>([
    ["model", { messages }],
    ["messages", { model: "quartet" }],
    ["messages", { model: "quartet", messages: [{ role: "system", content: "x" }] }],
    ["messages", { model: "quartet", messages: [{ role: "user", content: " \u3000" }] }],
    ["messages", { model: "quartet", messages: [{ role: "user", content: "가".repeat(2_049) }] }],
    ["messages[0].content", { model: "quartet", messages: [{ role: "user", content: [{ type: "image_url" }] }] }],
    ["n", { ...question, n: 100 }],
    ["temperature", { ...question, temperature: 99 }],
    ["max_tokens", { ...question, max_tokens: 1e9 }],
    ["max_completion_tokens", { ...question, max_completion_tokens: 0 }],
    ["response_format", { ...question, response_format: { type: "json_object" } }],
    ["stream", { ...question, stream: "yes" }],
    ["stream_options", { ...question, stream: true, stream_options: 1 }],
    ["quartet.passage_count", { ...question, quartet: { passageCount: 1_000 } }],
    ["quartet.sections", { ...question, quartet: { sections: [{ name: "summary" }] } }],
    ["misspelt", { ...question, quartet: { misspelt: 1 } }],
  ])("refuses a mistake by its field: %s %j", async (param, body) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as Failed;
    expect(error).toMatchObject({ type: "invalid_request_error", param, reason: "FIELD_INVALID" });
    expect(gateway.inner.calls).not.toContain("generate");
  });
});

describe("any other model", () => {
  it("is the provider's, byte for byte, without a search", async () => {
    let seen: unknown;
    const reply = '{"id":"c",\r\n "seed":12345678901234567890,"choices":[]}';
    gateway.inner.behaviour.relay = async ({ body }) => {
      seen = Buffer.from(body).toString();
      return relayed(reply);
    };
    const body = '{"model":"gpt-x", "seed":12345678901234567890,"messages":[{"role":"user","content":"\\u0041"}]}';
    const response = await post(body);
    expect([response.status, await response.text(), seen]).toEqual([200, reply, body]);
    expect(gateway.inner.calls).toContain("relay");
    expect(gateway.inner.calls).not.toContain("search");
  });

  it("is read by the SDK, whole and piece by piece", async () => {
    const whole = await openai.chat.completions.create({ model: "gpt-x", messages });
    expect(whole.choices[0]!.message.content).toBe("passed on");
    const streamed = await openai.chat.completions.create({ model: "gpt-x", messages, stream: true });
    const pieces = [];
    for await (const { choices } of streamed) pieces.push(choices[0]?.delta.content ?? "");
    expect(pieces.join("")).toBe("passed on");
  });

  it("has events that came together, each on a line of its own", async () => {
    const event = (content: string) => JSON.stringify({ choices: [{ index: 0, delta: { content } }] });
    gateway.inner.behaviour.streamRelay = async function* () {
      yield chunk(`${event("가")}\n${event("나\n")}`);
      yield relayEnd;
    };
    const streamed = await openai.chat.completions.create({ model: "gpt-x", messages, stream: true });
    const pieces = [];
    for await (const { choices } of streamed) pieces.push(choices[0]?.delta.content);
    expect(pieces).toEqual(["가", "나\n"]);
  });

  it("is listed where the operator names it", async () => {
    const ids = [];
    for await (const { id } of openai.models.list()) ids.push(id);
    expect(ids).toEqual(["quartet", "gpt-x"]);
    expect(await openai.models.retrieve("quartet")).toMatchObject({ id: "quartet", object: "model" });
  });
});
