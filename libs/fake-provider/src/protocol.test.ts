import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import OpenAI from "openai";
import { type FakeProvider, startFakeProvider } from "./fake-provider.ts";

const model = "gpt-fake";
let provider: FakeProvider;
let client: OpenAI;
beforeEach(async () => {
  provider = await startFakeProvider();
  client = new OpenAI({ apiKey: "sk-1", baseURL: provider.baseUrl, maxRetries: 0, logLevel: "off" });
});
afterEach(() => provider.close());

const messages = [{ role: "user" as const, content: "?" }];
const post = async (path: string, body: unknown, method = "POST") => {
  const init = method === "GET" ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await fetch(`${provider.baseUrl}${path}`, { method, ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const errorOf = async (path: string, body: unknown, method?: string) => {
  const { status, text } = await post(path, body, method);
  return {
    status,
    ...(JSON.parse(text) as { error: { message: string; param: string | null; code: string | null } }).error,
  };
};

describe("chat", () => {
  it("has the provider's fields and headers", async () => {
    provider.set({ answer: "It is so." });
    const { data, response, request_id } = await client.chat.completions.create({ model, messages }).withResponse();
    expect(data).toMatchObject({
      id: "chatcmpl-fake1",
      object: "chat.completion",
      model,
      choices: [
        { index: 0, message: { role: "assistant", content: "It is so.", refusal: null }, finish_reason: "stop" },
      ],
      usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8, prompt_tokens_details: { cached_tokens: 0 } },
    });
    expect(Math.abs(data.created - Date.now() / 1_000)).toBeLessThan(3_600);
    expect(request_id).toBe("req_fake_1");
    expect(response.headers.get("openai-organization")).toBe("org-fake");
    expect(Number(response.headers.get("openai-processing-ms"))).toBeGreaterThanOrEqual(0);
  });

  it("gives n choices, whole and as a stream", async () => {
    provider.set({ answer: "one two" });
    const whole = await client.chat.completions.create({ model, messages, n: 3 });
    expect(whole.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, "one two"],
      [1, "one two"],
      [2, "one two"],
    ]);
    expect(whole.usage!.completion_tokens).toBe(6);
    const texts = ["", ""];
    const finished: number[] = [];
    for await (const { choices } of await client.chat.completions.create({ model, messages, n: 2, stream: true })) {
      texts[choices[0]!.index] += choices[0]!.delta.content ?? "";
      if (choices[0]!.finish_reason) finished.push(choices[0]!.index);
    }
    expect([texts, finished]).toEqual([
      ["one two", "one two"],
      [0, 1],
    ]);
  });

  it.each([{ max_tokens: 3 }, { max_completion_tokens: 3 }])("is cut at %j", async (limit) => {
    provider.set({ answer: "one two three four five" });
    const { choices, usage } = await client.chat.completions.create({ model, messages, ...limit });
    expect(choices[0]).toMatchObject({ message: { content: "one two three" }, finish_reason: "length" });
    expect(usage!.completion_tokens).toBe(3);
  });

  it("ends before a stop sequence, which is not said, even across pieces", async () => {
    provider.set({ answer: ["one", " tw", "o th", "ree"] });
    const { choices } = await client.chat.completions.create({ model, messages, stop: ["five", "two t"] });
    expect(choices[0]).toMatchObject({ message: { content: "one " }, finish_reason: "stop" });
  });

  it("takes tools, formats and seeds, and does without them", async () => {
    const { choices } = await client.chat.completions.create({
      model,
      messages,
      tools: [{ type: "function", function: { name: "look" } }],
      tool_choice: "required",
      response_format: { type: "json_object" },
      seed: 7,
    });
    expect(choices[0]!.finish_reason).toBe("stop");
  });

  it("tells usage in a stream only where it is asked for, and with null before", async () => {
    const usages = async (stream_options?: { include_usage: boolean }) => {
      const seen: unknown[] = [];
      const request = { model, messages, stream: true as const, ...(stream_options ? { stream_options } : {}) };
      for await (const { usage } of await client.chat.completions.create(request)) seen.push(usage);
      return seen;
    };
    expect(new Set(await usages())).toEqual(new Set([undefined]));
    const told = await usages({ include_usage: true });
    expect(told.slice(0, -1).every((usage) => usage === null)).toBe(true);
    expect(told.at(-1)).toMatchObject({ prompt_tokens: 5 });
  });

  it("has as many tokens as are asked for, and says nothing in place of a refusal", async () => {
    provider.set({ tokens: 50, answer: "It is so." });
    const { choices, usage } = await client.chat.completions.create({ model, messages });
    expect(usage!.completion_tokens).toBe(50);
    expect(choices[0]!.message.content!.split(" ")).toHaveLength(50);
    provider.set({ tokens: 2 });
    expect((await client.chat.completions.create({ model, messages })).choices[0]!.message.content).toBe("It is");
    provider.set({ refusal: "I will not." });
    const refused = await client.chat.completions.create({ model, messages });
    expect(refused.choices[0]!.message).toMatchObject({ content: null, refusal: "I will not." });
  });

  it("lies about usage when it is told to", async () => {
    provider.next({ usage: "none" }, { usage: { inputTokens: 1, outputTokens: 1_000_000 } });
    expect((await client.chat.completions.create({ model, messages })).usage).toBeUndefined();
    expect((await client.chat.completions.create({ model, messages })).usage!.total_tokens).toBe(1_000_001);
  });
});

describe("what is not right", () => {
  it.each([
    ["/chat/completions", { model }, 400, "messages", "missing_required_parameter"],
    ["/chat/completions", { model, messages: [] }, 400, "messages", "empty_array"],
    ["/chat/completions", { model, messages: "hi" }, 400, "messages", "invalid_type"],
    ["/chat/completions", { model, messages, n: 0 }, 400, "n", "integer_below_min_value"],
    ["/chat/completions", { model, messages, max_tokens: 1.5 }, 400, "max_tokens", "invalid_type"],
    ["/chat/completions", { model, messages, temperature: 3 }, 400, "temperature", "decimal_above_max_value"],
    ["/chat/completions", { model, messages, stop: ["1", "2", "3", "4", "5"] }, 400, "stop", "array_above_max_length"],
    ["/chat/completions", { messages }, 400, null, null],
    ["/chat/completions", "{", 400, null, null],
    ["/embeddings", { model }, 400, "input", "missing_required_parameter"],
    ["/embeddings", { model, input: [] }, 400, null, null],
    ["/embeddings", { model, input: "" }, 400, null, null],
    ["/embeddings", { model, input: "a", dimensions: -5 }, 400, "dimensions", "integer_below_min_value"],
    ["/embeddings", { model, input: "a", dimensions: 1e9 }, 400, "dimensions", "integer_above_max_value"],
    ["/audio/speech", { model }, 404, null, null],
  ])("%s %j", async (path, body, status, param, code) => {
    expect(await errorOf(path, body)).toMatchObject({ status, param, code });
  });

  it("is a part of a message that is none, which is passed over", async () => {
    const odd = [{ role: "user", content: [null, { type: "text", text: "?" }] }];
    expect((await post("/chat/completions", { model, messages: odd })).status).toBe(200);
  });

  it("is another method", async () => {
    expect(await errorOf("/embeddings", undefined, "GET")).toMatchObject({
      status: 405,
      message: "Not allowed to GET on /v1/embeddings. (HINT: Perhaps you meant to use a different HTTP method?)",
    });
  });
});

describe("embeddings", () => {
  it("takes one text, several, and tokens", async () => {
    const count = async (input: string | string[] | number[] | number[][]) =>
      (await client.embeddings.create({ model, input })).data.length;
    expect([await count("a"), await count(["a", "b"]), await count([1, 2, 3]), await count([[1], [2, 3]])]).toEqual([
      1, 2, 1, 2,
    ]);
  });
});

describe("models", () => {
  it("are listed, and one is shown", async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["fake-model"]);
    expect((await client.models.retrieve("any")).id).toBe("any");
    provider.set({ models: ["gpt-fake", "org/large-fake"] });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["gpt-fake", "org/large-fake"]);
    expect(await client.models.retrieve("org/large-fake")).toMatchObject({ id: "org/large-fake", object: "model" });
    expect(await errorOf("/models/other", undefined, "GET")).toMatchObject({ status: 404, code: "model_not_found" });
  });
});
