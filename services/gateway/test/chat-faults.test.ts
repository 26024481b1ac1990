import { setTimeout } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { principalOf } from "@quartet/rpc";
import type OpenAI from "openai";
import { APIError } from "openai";
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
import { chunk, hang, relayed, text } from "./fakes.ts";
import { createMemoryStores } from "./memory-stores.ts";
import { openOnPort } from "./open-gateway.ts";

let gateway: ChatGateway;
let openai: OpenAI;

beforeAll(async () => {
  gateway = await openChatGateway();
  openai = clientOf(gateway);
});
afterAll(() => gateway[Symbol.asyncDispose]());
afterEach(() => reset(gateway));

const post = (body: unknown, headers: Record<string, string> = {}, at = gateway) => postChat(at, body, headers);

describe("what goes wrong", () => {
  const failing = (error: unknown) => {
    gateway.inner.behaviour.relay = async () => {
      throw error;
    };
    return openai.chat.completions.create({ model: "gpt-x", messages }).catch((thrown: unknown) => thrown as APIError);
  };

  it.each<[number, string, string, Parameters<typeof quartetError>[0], object]>([
    [
      400,
      "invalid_request_error",
      "context_length_exceeded",
      {
        code: Code.InvalidArgument,
        reason: "FIELD_INVALID",
        message: "long",
        metadata: { providerCode: "context_length_exceeded" },
      },
      {},
    ],
    [
      404,
      "invalid_request_error",
      "model_not_found",
      { code: Code.InvalidArgument, reason: "MODEL_UNKNOWN", message: "none" },
      { param: "model" },
    ],
    [
      404,
      "invalid_request_error",
      "model_not_found",
      { code: Code.Unimplemented, reason: "NOT_ENABLED", message: "off" },
      {},
    ],
    [
      429,
      "rate_limit_error",
      "rate_limit_exceeded",
      { code: Code.ResourceExhausted, reason: "LLM_RATE_LIMIT", message: "rest", retryDelayMs: 1_500 },
      {},
    ],
    [
      429,
      "insufficient_quota",
      "insufficient_quota",
      { code: Code.ResourceExhausted, reason: "BUDGET_EXHAUSTED", message: "spent" },
      {},
    ],
    [503, "server_error", "llm_auth", { code: Code.FailedPrecondition, reason: "LLM_AUTH", message: "refused" }, {}],
    [
      503,
      "server_error",
      "llm_unavailable",
      { code: Code.Unavailable, reason: "LLM_UNAVAILABLE", message: "fails" },
      {},
    ],
    [504, "timeout_error", "out_of_time", { code: Code.DeadlineExceeded, reason: "OUT_OF_TIME", message: "late" }, {}],
  ])("is worded as OpenAI does: %d %s %s", async (status, type, code, options, more) => {
    const error = (await failing(quartetError(options))) as APIError;
    expect(error).toBeInstanceOf(APIError);
    expect([error.status, error.type, error.code]).toEqual([status, type, code]);
    expect(error.error).toMatchObject({ reason: options.reason, ...more });
    if (options.retryDelayMs !== undefined) expect(error.headers!.get("retry-after")).toBe("2");
  });

  it("is told at once, and the chat is not paid for again, where a replica goes down", async () => {
    const lost = quartetError({ code: Code.Unavailable, reason: "DRAINING", message: "It goes down." });
    expect(((await failing(lost)) as APIError).status).toBe(503);
    expect(gateway.inner.calls).toEqual(["relay"]);
  });

  it("is a reply of another contract where it holds nothing", async () => {
    gateway.inner.behaviour.relay = async () => ({});
    expect((await post({ model: "gpt-x", messages })).status).toBe(503);
  });

  it("tells clients not to try again what does not pass", async () => {
    const lasting = await failing(quartetError({ code: Code.ResourceExhausted, reason: "LLM_QUOTA", message: "none" }));
    expect((lasting as APIError).headers!.get("x-should-retry")).toBe("false");
  });

  it("leaks nothing of a defect", async () => {
    const error = (await failing(new Error("password=hunter2 at 10.0.0.7"))) as APIError;
    expect([error.status, JSON.stringify(error.error)]).toEqual([500, expect.not.stringMatching(/hunter2|10\.0/)]);
  });

  it.each([
    ["relayed", "gpt-x"],
    ["answered", "quartet"],
  ])("within a stream is its last event, without [DONE]: %s", async (_what, model) => {
    const broken = quartetError({ code: Code.Unavailable, reason: "STREAM_TRUNCATED", message: "It broke off." });
    gateway.inner.behaviour.streamRelay = async function* () {
      yield chunk({ choices: [{ index: 0, delta: { content: "half" } }] });
      throw broken;
    };
    gateway.inner.behaviour.generate = async function* () {
      yield text("half");
      throw broken;
    };
    const stream = await openai.chat.completions.create({ model, messages, stream: true });
    let got = "";
    await expect(
      (async () => {
        for await (const { choices } of stream) got += choices[0]?.delta.content ?? "";
      })(),
    ).rejects.toMatchObject({ message: expect.stringContaining("It broke off.") });
    expect(got).toBe("half");
    const raw = await (await post({ model, messages, stream: true })).text();
    expect(raw).not.toContain("[DONE]");
    expect(raw).toMatch(/\ndata: \{"error":\{.*"reason":"STREAM_TRUNCATED"\}\}\n\n$/);
  });

  it("before the first word of a stream has a status of its own", async () => {
    gateway.inner.behaviour.search = async () => {
      throw quartetError({ code: Code.Unavailable, reason: "ALL_SOURCES_FAILED", message: "No source." });
    };
    expect((await post({ ...question, stream: true })).status).toBe(503);
  });

  const nested = "[".repeat(200_000) + "]".repeat(200_000);
  it.each<[number, string | Uint8Array]>([
    [400, ""],
    [400, "{"],
    [400, "[]"],
    [400, '"quartet"'],
    [400, '{"model":"quartet","messages":NaN}'],
    [400, '{"model":7}'],
    [400, `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`],
    [400, `{"model":"quartet","messages":[{"role":"user","content":"?"}],"modalities":${nested}}`],
    [400, '{"__proto__":{"model":"gpt-x"}}'],
    [400, Buffer.from('{"model":"\xff"}', "latin1")],
    [413, `{"model":"gpt-x","messages":["${"x".repeat(1024 ** 2)}"]}`],
  ])("of a body is refused: %d", async (status, body) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as Failed).error.type).toBe("invalid_request_error");
    expect(gateway.inner.calls).not.toContain("relay");
    expect(gateway.inner.calls).not.toContain("generate");
  });

  it("of another content type is refused", async () => {
    expect((await post(question, { "content-type": "text/plain" })).status).toBe(415);
  });
});

describe("time and callers", () => {
  it("ends a chat when the client's own time is up, as its SDK tells it", async () => {
    let grantedMs: number | undefined;
    gateway.inner.behaviour.relay = async (_request, context) => {
      grantedMs = context.timeoutMs();
      return relayed("{}");
    };
    await openai.chat.completions.create({ model: "gpt-x", messages }, { timeout: 7_000 }).catch(() => undefined);
    expect(grantedMs).toBeGreaterThan(5_000);
    expect(grantedMs).toBeLessThanOrEqual(7_000);
    gateway.inner.behaviour.relay = (_request, { signal }) => hang(signal);
    const response = await post({ model: "gpt-x", messages }, { "connect-timeout-ms": "200" });
    expect([response.status, ((await response.json()) as Failed).error.reason]).toEqual([504, "OUT_OF_TIME"]);
  });

  it.each(["quartet", "gpt-x"])("ends what is written for a client who leaves: %s", async (model) => {
    const left = Promise.withResolvers<void>();
    const inner = gateway.inner.behaviour;
    inner.generate = async function* (_request, { signal }) {
      signal.addEventListener("abort", () => left.resolve(), { once: true });
      for (;;) {
        yield text("on ");
        await setTimeout(5);
      }
    };
    inner.streamRelay = async function* (_request, { signal }) {
      signal.addEventListener("abort", () => left.resolve(), { once: true });
      for (;;) {
        yield chunk({ choices: [{ index: 0, delta: { content: "on " } }] });
        await setTimeout(5);
      }
    };
    const stream = await openai.chat.completions.create({ model, messages, stream: true });
    for await (const _ of stream) break;
    await left.promise;
  });

  it("refuses who may not ask, before the body is read", async () => {
    const stores = createMemoryStores();
    await using guarded = await openOnPort(
      { QUARTET_AUTHENTICATION: "tokens", DATABASE_URL: "postgresql://unused.invalid/none" },
      { stores },
    );
    const refused = await clientOf(guarded)
      .chat.completions.create(question)
      .catch((error: unknown) => error as APIError);
    expect(refused).toMatchObject({ status: 401, code: "invalid_api_key", type: "authentication_error" });
    expect((await post("{", { authorization: "Bearer wrong", "quartet-tenant": "acme" }, guarded)).status).toBe(401);
    const writer = await clientOf(guarded, stores.issue("acme", { roles: ["write"] }))
      .models.list()
      .catch((error: unknown) => error as APIError);
    expect(writer).toMatchObject({ status: 403, type: "permission_error" });
    const reader = clientOf(guarded, stores.issue("acme", { roles: ["read"] }));
    expect((await reader.chat.completions.create(question)).choices[0]!.message.content).toBe("14일 [2]");
    let tenant: string | undefined;
    guarded.inner.behaviour.relay = async (_request, context) => {
      ({ tenant } = principalOf(context));
      return relayed('{"choices":[]}');
    };
    await reader.chat.completions.create({ model: "gpt-x", messages }, { headers: { "quartet-tenant": "other" } });
    expect(tenant).toBe("acme");
  });

  it("lets pages of a known origin ask with OpenAI's SDK, and no others", async () => {
    await using open = await openOnPort({ QUARTET_CORS_ORIGINS: "https://chat.example.com" });
    const preflight = (origin: string) =>
      fetch(`${open.url}/v1/chat/completions`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
    const allowed = await preflight("https://chat.example.com");
    expect(allowed.headers.get("access-control-allow-headers")).toMatch(/authorization.*x-stainless-lang/);
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});
