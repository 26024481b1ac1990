import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ChatRefusedError } from "./chat-refused-error.ts";
import { checkChat, type ChatRules } from "./chat-rules.ts";
import { membersOf } from "./json-members.ts";

const rules: ChatRules = { maxTokensField: "max_tokens" };
const messages = [{ role: "user", content: "연차는 며칠인가요?" }];
const bytesOf = (body: unknown) => Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
const check = (body: unknown, more: Partial<ChatRules> = {}) => checkChat(bytesOf(body), { ...rules, ...more });
const sent = (body: unknown, more: Partial<ChatRules> = {}) => Buffer.from(check(body, more).body).toString();

function refusalOf(body: unknown, more: Partial<ChatRules> = {}): Partial<ChatRefusedError> {
  try {
    check(body, more);
  } catch (error) {
    if (error instanceof ChatRefusedError) return { reason: error.reason, field: error.field };
    throw error;
  }
  return {};
}

describe("a chat that may pass", () => {
  it("is sent byte for byte where nothing is missing", () => {
    const body = bytesOf(
      '{ "model":"m", "seed": 12345678901234567890, "messages":[{"role":"user","content":"\\u0041"}]}\n',
    );
    const chat = checkChat(body, rules);
    expect(chat.body).toBe(body);
    expect(chat).toMatchObject({ model: "m", streamed: false, wantsUsage: false, maxOutputTokens: undefined });
  });

  it("is asked for its usage where it is streamed, and nothing else of it changes", () => {
    expect(sent('{"seed":12345678901234567890,"model":"m","stream":true,"messages":[{"role":"user"}]}')).toBe(
      '{"stream_options":{"include_usage":true},"seed":12345678901234567890,"model":"m","stream":true,"messages":[{"role":"user"}]}',
    );
    const kept = { model: "m", messages, stream: true, stream_options: { include_usage: true } };
    expect(sent(kept)).toBe(JSON.stringify(kept));
    expect(check(kept).wantsUsage).toBe(true);
    const without = { model: "m", stream_options: { other: 1, include_usage: false }, messages, stream: true };
    expect(JSON.parse(sent(without))).toEqual({ ...without, stream_options: { other: 1, include_usage: true } });
    expect(check(without).wantsUsage).toBe(false);
    expect(JSON.parse(sent({ ...without, stream_options: null }))).toMatchObject({
      stream_options: { include_usage: true },
    });
  });

  it("gets the operator's longest reply where it names none", () => {
    const limits = { maxOutputTokens: 500 };
    expect(JSON.parse(sent({ model: "m", messages }, limits))).toEqual({ model: "m", messages, max_tokens: 500 });
    expect(JSON.parse(sent({ model: "m", max_tokens: null, messages }, limits))).toMatchObject({ max_tokens: 500 });
    expect(sent({ model: "m", messages, max_completion_tokens: 30 }, limits)).not.toContain("max_tokens");
    expect(check({ model: "m", messages, n: 3 }, limits).maxOutputTokens).toBe(1_500);
    expect(check({ model: "m", messages, max_tokens: 20, n: 2 }).maxOutputTokens).toBe(40);
  });
});

describe("a chat that may not", () => {
  const chat = { model: "m", messages };
  const nested = "[".repeat(200_000) + "]".repeat(200_000);
  it.each<[string, unknown]>([
    ["", "{"],
    ["", "[]"],
    ["", "null"],
    ["", "\ufeff{}"],
    ["", '{"model":"m","NaN":NaN}'],
    ["model", {}],
    ["model", { messages }],
    ["model", { ...chat, model: "" }],
    ["model", { ...chat, model: "a\r\nb" }],
    ["model", { ...chat, model: "m".repeat(129) }],
    ["messages", { model: "m" }],
    ["messages", { ...chat, messages: [] }],
    ["messages", { ...chat, messages: "hello" }],
    ["messages", { ...chat, messages: Array.from({ length: 2_049 }, () => messages[0]) }],
    ["messages[1]", { ...chat, messages: [...messages, "hello"] }],
    ["messages[0]", { ...chat, messages: [{ content: "hello" }] }],
    ["temperature", { ...chat, temperature: 99 }],
    ["temperature", { ...chat, temperature: "1" }],
    ["temperature", '{"model":"m","messages":[{"role":"user"}],"temperature":1e400}'],
    ["top_p", { ...chat, top_p: -1 }],
    ["presence_penalty", { ...chat, presence_penalty: 3 }],
    ["frequency_penalty", { ...chat, frequency_penalty: -3 }],
    ["max_tokens", { ...chat, max_tokens: 1e9 }],
    ["max_tokens", { ...chat, max_tokens: 0 }],
    ["max_completion_tokens", { ...chat, max_completion_tokens: 1.5 }],
    ["n", { ...chat, n: 100 }],
    ["n", { ...chat, n: 0 }],
    ["stream", { ...chat, stream: "yes" }],
    ["stream_options", { ...chat, stream_options: {} }],
    ["stream_options", { ...chat, stream: true, stream_options: [] }],
    ["stream_options", `{"model":"m","messages":[{"role":"user"}],"stream":true,"stream_options":{"a":${nested}}}`],
    ["stream_options.include_usage", { ...chat, stream: true, stream_options: { include_usage: 1 } }],
    ["logit_bias", { ...chat, logit_bias: { 50256: -1e9 } }],
    ["logit_bias", { ...chat, logit_bias: { 50256: null } }],
    ["logit_bias", { ...chat, logit_bias: Object.fromEntries(Array.from({ length: 1_025 }, (_, id) => [id, 1])) }],
  ])("is refused by its field: %j", (field, body) => {
    expect(refusalOf(body)).toEqual({ reason: "FIELD_INVALID", field });
  });

  it("is longer than the operator allows", () => {
    expect(refusalOf({ ...chat, max_tokens: 501 }, { maxOutputTokens: 500 })).toMatchObject({ field: "max_tokens" });
  });

  it("is for a model that the operator does not allow", () => {
    expect(refusalOf(chat, { models: ["small", "large"] })).toEqual({ reason: "MODEL_UNKNOWN", field: "model" });
    expect(refusalOf({ ...chat, model: "large" }, { models: ["small", "large"] })).toEqual({});
  });

  it("says one thing to us and another to the provider", () => {
    const twice = '{"model":"small","messages":[{"role":"user"}],"mod\\u0065l":"large"}';
    expect(refusalOf(twice)).toEqual({ reason: "FIELD_INVALID", field: "model" });
    expect(refusalOf({ ...chat, Model: "large" })).toEqual({ reason: "FIELD_INVALID", field: "model" });
    expect(refusalOf({ ...chat, "max_token\u017f": 1e9 })).toEqual({ reason: "FIELD_INVALID", field: "max_tokens" });
    expect(refusalOf('{"model":"m","messages":[{"role":"user"}],"x":1,"x":2}')).toMatchObject({ field: "" });
  });

  it("is no text", () => {
    const broken = Buffer.concat([bytesOf('{"model":"'), Buffer.from([0xff]), bytesOf('"}')]);
    expect(() => checkChat(broken, rules)).toThrow(ChatRefusedError);
  });
});

describe("membersOf", () => {
  it("finds every value of any object where it stands", () => {
    const object = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue());
    fc.assert(
      fc.property(object, fc.constantFrom(0, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const found = membersOf(text).map(({ name, start, end }) => [name, JSON.parse(text.slice(start, end))]);
        expect(found).toEqual(Object.entries(JSON.parse(text)));
      }),
      { numRuns: 40 },
    );
  });

  it("tells names that stand twice, and is not misled by what stands in texts", () => {
    const text = '{"a":"}\\\\","b":{"a":[1,"]"]},"a":"\\"," , "c" : null}';
    expect(membersOf(text).map(({ name, start, end }) => `${name}=${text.slice(start, end).trim()}`)).toEqual([
      'a="}\\\\"',
      'b={"a":[1,"]"]}',
      'a="\\","',
      "c=null",
    ]);
  });
});
