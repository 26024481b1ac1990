/**
 * Secrets that must be seen nowhere but where they belong: the whole product is run with canaries for secrets, everything that can go wrong with a
 * provider goes wrong, and all that anybody could see of it is searched: what callers get, logs, metrics, pages, figures, the command line, the files.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createQuartetClient } from "@quartet/client";
import { type FakeBehaviour, type FakeProvider, providerErrors, startFakeProvider, until } from "@quartet/testing";
import { bothWays, type Product } from "../src/both-ways.ts";
import { keyVariables } from "../src/key-variables.ts";
import { quartet as command, sourceFlags, startNode } from "../src/processes.ts";

/** In every secret, and in the part of a key that a provider quotes. */
const CANARY = /canar/i;
/** What else the provider says in its own words. */
const PROVIDERS_WORDS = /org-fake|platform\.openai\.com|Sorry about that/;

const keys = ["sk-canary-one-1111", "sk-canary-two-2222", "sk-canary-three-3333"] as const;
const token = "qt_canarycanarycana_canarycanarycanarycanarycanary";
const secrets = {
  ...keyVariables(keys),
  // Nobody is there: the password is used in vain.
  REDIS_URL: "redis://user:canary-of-redis@127.0.0.1:1/0",
  QUARTET_PAGE_TOKEN_KEY: "canary-canary-canary-canary-canary",
} as const;
const settings = {
  QUARTET_LOG_LEVEL: "debug",
  QUARTET_EMBEDDING_DIMENSIONS: "64",
  QUARTET_RELAY_MODELS: "any",
  QUARTET_GENERATION_FALLBACK: "none",
  QUARTET_EMBEDDING_TIMEOUT: "1s",
  QUARTET_GENERATION_TIMEOUT: "3s",
  QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "1s",
  QUARTET_GENERATION_STALL_TIMEOUT: "1s",
};

const ofFirstKey = (behaviour: FakeBehaviour) => ({ keys: { [keys[0]]: behaviour, [keys[1]]: {}, [keys[2]]: {} } });
const after = (afterPieces: number, by: NonNullable<FakeBehaviour["cut"]>["by"]) => ({ cut: { afterPieces, by } });

/** A1 to A19, with rests that a test can wait for; that every key is refused comes last, since none is asked again. */
const faults: readonly (readonly [string, Parameters<FakeProvider["set"]>[0]])[] = [
  ["A1", ofFirstKey({ error: providerErrors.rateLimit({ retryAfterMs: 100 }) })],
  ["A2", { error: providerErrors.rateLimit({ retryAfterMs: 500 }) }],
  ["A3", ofFirstKey({ error: providerErrors.quota() })],
  ["A5", { limit: { requests: 1, perMs: 500, group: "organization" } }],
  ["A6", { error: providerErrors.server(500) }],
  ["A7", { hang: true }],
  ["A8", { firstPieceMs: 800 }],
  ["A9", after(1, "stall")],
  ["A10", after(1, "end")],
  ["A11", after(1, "reset")],
  ["A12", after(1, "garbage")],
  ["A13", after(1, "error")],
  ["A14", { html: true }],
  ["A15", { writeBytes: 3, lineEnd: "\r\n", comments: true, invalidUtf8: true }],
  ["A16", { finishReason: "content_filter" }],
  ["A17", { endless: true }],
  ["A18", { vectors: "fewer" }],
  ["A18", { vectors: "not-finite" }],
  ["A19", ofFirstKey({ headers: { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "500ms" } })],
  ["a request that is refused", { error: providerErrors.badRequest(`no such thing for ${keys[1]}`) }],
  ["a model that there is not", { models: ["another"] }],
  ["A4", { keys: {} }],
];

describe.each(bothWays)("with canaries for secrets, %s", (_name, start) => {
  let provider: FakeProvider;
  let product: Product;
  const seen: string[] = [];

  beforeAll(async () => {
    provider = await startFakeProvider();
    product = await start({ ...secrets, ...settings, OPENAI_BASE_URL: provider.baseUrl });
    const text = "A refund takes 14 days. It is paid to the card that was charged.";
    const { documents } = createQuartetClient({ baseUrl: product.url });
    await documents.putDocuments({ documents: [{ id: "refunds", text }], wait: 2 });
  }, 120_000);
  afterAll(async () => {
    await product?.[Symbol.asyncDispose]();
    await provider?.close();
  }, 60_000);

  const get = async (where: string, init: RequestInit = {}) => {
    const response = await fetch(product.url + where, { signal: AbortSignal.timeout(60_000), ...init });
    const body = await response.text().catch(String);
    seen.push(where, JSON.stringify([...response.headers]), body);
    return { status: response.status, body };
  };
  const post = (where: string, body: unknown, headers: Record<string, string> = {}) => {
    const common = { "content-type": "application/json", authorization: `Bearer ${token}` };
    return get(where, { method: "POST", body: JSON.stringify(body), headers: { ...common, ...headers } });
  };

  let questions = 0;
  /** Every way to a model, with a question that no cache knows. */
  const askInEveryWay = async () => {
    const question = `How many days does a refund take? (${(questions += 1)})`;
    const messages = [{ role: "user", content: question }];
    const { answers } = createQuartetClient({ baseUrl: product.url, token });
    await Promise.all([
      answers.answerQuestion({ question }).then(
        (answer) => seen.push(answer.text),
        (error: Error) => seen.push(String(error), error.stack ?? "", JSON.stringify(error)),
      ),
      post("/api/v1/answer", { question: `${question}?` }),
      post("/api/v1/answer", { question: `${question}??` }, { accept: "text/event-stream" }),
      post("/api/v1/search", { query: `${question}!` }),
      post("/v1/chat/completions", { model: "fake-model", messages }),
      post("/v1/chat/completions", { model: "fake-model", messages, stream: true }),
      post("/v1/chat/completions", { model: "quartet", messages, stream: true }),
      post("/v1/chat/completions", { model: "fake-model", messages: 1 }),
    ]);
  };

  /** A model answers again, and chats are passed on again: no rest and no open breaker is left of what was. */
  const isWell = async () => {
    const question = `How many days does a refund take? (${(questions += 1)})`;
    const [answer, chat] = await Promise.all([
      post("/api/v1/answer", { question }),
      post("/v1/chat/completions", { model: "fake-model", messages: [{ role: "user", content: question }] }),
    ]);
    return answer.status === 200 && answer.body.includes("ANSWERER_KIND_MODEL") && chat.status === 200;
  };

  const chatCalls = () => provider.requests.filter(({ path: where }) => where.endsWith("/completions")).length;

  it.each(faults)(
    "shows none of them where the provider has fault %s",
    async (_fault, behaviour) => {
      const before = chatCalls();
      provider.set(behaviour);
      await askInEveryWay();
      // The fault was met, and not only a breaker or a rest that an earlier one has left.
      expect(chatCalls()).toBeGreaterThan(before);
      provider.set(Object.fromEntries(Object.keys(behaviour).map((name) => [name, undefined])));
      if ("keys" in behaviour && Object.keys(behaviour.keys ?? {}).length === 0) return;
      await until(isWell, { limitMs: 90_000, everyMs: 250 });
      await until(isWell, { limitMs: 90_000, everyMs: 250 });
    },
    120_000,
  );

  it("shows none of them in logs, pages, metrics, figures, files or on the command line", async () => {
    for (const page of ["/", "/metrics", "/healthz", "/readyz", "/v1/models", "/nothing"]) await get(page);
    const commands = [["ask", "refunds?"], ["status"], ["keys"], ["budget"], ["doctor"], ["search", "x", "--json"]];
    const environment = { ...secrets, QUARTET_URL: product.url, QUARTET_TOKEN: token };
    const ran = await Promise.all(commands.map((args) => command(args, environment)));
    for (const { stdout, stderr } of ran) {
      expect(stdout + stderr).not.toBe("");
      seen.push(stdout, stderr);
    }
    const output = await product.output();
    expect(output).toContain("LLM_");
    seen.push(output);
    for (const file of await readdir(product.folder, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) seen.push(file.name, await readFile(path.join(file.parentPath, file.name), "latin1"));
    }
    expect(new Set(provider.requests.map(({ key }) => key))).toEqual(new Set(keys));
    expect(seen.filter((text) => CANARY.test(text)).map(aroundCanary)).toEqual([]);
    expect(seen.filter((text) => PROVIDERS_WORDS.test(text)).map((text) => text.slice(0, 500))).toEqual([]);
  }, 120_000);
});

describe("a process that cannot start, or not reach its stores", () => {
  const end = async (service: string, env: NodeJS.ProcessEnv) => {
    const program = `services/${service}/src/main.ts`;
    const running = startNode([...sourceFlags, program], { QUARTET_PORT: "0", QUARTET_DATA_DIR: ":memory:", ...env });
    const written = () => running.stdout() + running.stderr();
    try {
      // One that only cannot reach its stores goes on, and says so.
      await until(() => running.child.exitCode !== null || /cannot|not ready|lost|failed/.test(written()), {
        limitMs: 60_000,
      });
    } finally {
      await running.stop();
    }
    expect(written()).not.toBe("");
    expect(written()).not.toMatch(CANARY);
  };

  it.each([
    ["standalone", { DATABASE_URL: "postgresql//quartet:canary@host/db" }],
    ["standalone", { DATABASE_URL: "postgresql://quartet:canary@127.0.0.1:1/db" }],
    ["standalone", { REDIS_URL: "http://quartet:canary@host" }],
    ["retrieval", { ELASTICSEARCH_URL: "ftp://elastic:canary@host" }],
    ["embedding", { OPENAI_BASE_URL: "http://user:canary@127.0.0.1/v1", OPENAI_API_KEY: "sk-canary" }],
    ["generation", { OPENAI_API_KEY: "sk canary\nwith a line break" }],
    ["generation", { OPENAI_API_KEY_1: "sk-canary", QUARTET_GENERATION_TIMEOUT: "sk-canary" }],
    ["gateway", { QUARTET_AUTHENTICATION: "tokens", QUARTET_UNKNOWN: "canary" }],
  ] as const)("%s says why without its secrets: %j", async (service, env) => await end(service, env), 90_000);
});

/** Where it is, without what it is. */
function aroundCanary(text: string): string {
  const at = text.search(CANARY);
  return text.slice(Math.max(0, at - 200), at + 30);
}
