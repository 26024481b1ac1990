import { Code, ConnectError } from "@connectrpc/connect";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { reasonOf, retryDelayMsOf } from "@quartet/errors";
import { type FakeProvider, providerErrors, startFakeProvider, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  type BudgetedServices,
  type Environment,
  failureOf,
  nanosOf,
  startBudgetedServices,
} from "../src/budgeted-services.ts";
import { migrateDatabase, temporaryFolder } from "../src/processes.ts";

/** A millionth of a dollar for each token of input, and two for each of output. */
const QUARTET_PRICES = "gpt-4o-mini input=1 cached=0.5 output=2; text-embedding-3-small input=1";
/** What each answer takes, as the provider tells: 140,000 billionths of a dollar. */
const usage = { inputTokens: 100, outputTokens: 20 };
const ANSWER_NANOS = 140_000;

let provider: FakeProvider;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const started: BudgetedServices[] = [];

beforeEach(async () => {
  provider = await startFakeProvider({ usage });
  folder = await temporaryFolder();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((services) => services.close()));
  await provider.close();
  await folder[Symbol.asyncDispose]();
});

const start = async (environment: Environment = {}): Promise<BudgetedServices> => {
  const services = await startBudgetedServices({
    OPENAI_BASE_URL: provider.baseUrl,
    QUARTET_DATA_DIR: folder.path,
    QUARTET_GENERATION_MAX_TOKENS: "100",
    QUARTET_PRICES,
    ...environment,
  });
  started.push(services);
  return services;
};

/** Asks until that is refused, and gives how often it was not. */
async function askUntilRefused(ask: () => Promise<unknown>) {
  for (let answered = 0; answered < 200; answered += 1) {
    try {
      await ask();
    } catch (error) {
      return { answered, error: ConnectError.from(error) };
    }
  }
  throw new Error("nothing was refused");
}

const untilNextMonth = () => {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - now.getTime();
};

describe("a budget", () => {
  it("refuses a tenant at its limit before the provider is asked, until the month is over, and lets others go on", async () => {
    const services = await start({ QUARTET_BUDGET_TENANT: "0.006" });
    const { answered, error } = await askUntilRefused(() => services.ask("acme"));
    expect(answered).toBeGreaterThan(10);
    expect(answered * ANSWER_NANOS).toBeLessThanOrEqual(6_000_000);
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "BUDGET_EXHAUSTED"]);
    expect(Math.abs(retryDelayMsOf(error)! - untilNextMonth())).toBeLessThan(60_000);
    expect(provider.requests).toHaveLength(answered);
    await failureOf(services.ask("acme"));
    await failureOf(services.ask("acme", { sections: ["summary", "recommendations"] }));
    expect(provider.requests).toHaveLength(answered);
    await services.ask("베타");
    expect(provider.requests).toHaveLength(answered + 1);
    expect((await services.budget("acme")).spent).toBe(answered * ANSWER_NANOS);
    expect(await services.budget("베타")).toEqual({
      spent: ANSWER_NANOS,
      platform: (answered + 1) * ANSWER_NANOS,
      reserved: 0,
    });
  }, 60_000);

  it("refuses vectors as it refuses answers; what a cache holds costs nothing", async () => {
    provider.set({ usage: { inputTokens: 40, outputTokens: 0 } });
    const services = await start({ QUARTET_BUDGET_TENANT: "0.0005" });
    expect(nanosOf((await services.embed("acme", "first"))?.cost)).toBe(40_000);
    expect(await services.embed("acme", "first")).toBeUndefined();
    let texts = 0;
    const { answered, error } = await askUntilRefused(() => services.embed("acme", `text ${(texts += 1)}`));
    expect(answered).toBeGreaterThan(5);
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "BUDGET_EXHAUSTED"]);
    expect(provider.requests).toHaveLength(answered + 1);
    expect(await services.embed("acme", "first")).toBeUndefined();
    await services.embed("other", "first");
  }, 60_000);

  it("tells what an answer cost by the operator's prices, also without any limit, and each section's own", async () => {
    provider.set({ usage: "none" });
    const services = await start();
    const alone = await services.ask("acme");
    expect(alone.usage?.estimated).toBe(true);
    expect(nanosOf(alone.usage?.cost)).toBe(
      1_000 * alone.usage!.inputTokenCount + 2_000 * alone.usage!.outputTokenCount,
    );
    provider.set({ usage });
    const { usage: whole } = await services.ask("acme", { sections: ["summary", "symbols"] });
    expect(nanosOf(whole?.cost)).toBe(2 * ANSWER_NANOS);
    const unpriced = await start({ QUARTET_PRICES: "another input=1" });
    expect((await unpriced.ask("acme")).usage?.cost).toBeUndefined();
  });

  it("settles what was written until a caller left, and what a failed call was billed for", async () => {
    const services = await start({ QUARTET_BUDGET_PLATFORM: "1" });
    provider.next({ tokens: 5_000, pieceMs: 20 });
    const left = new AbortController();
    let pieces = 0;
    const cancelled = services.ask("acme", { signal: left.signal, onText: () => (pieces += 1) > 3 && left.abort() });
    await failureOf(cancelled);
    await until(async () => (await services.budget("acme")).reserved === 0);
    const { spent } = await services.budget("acme");
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThan(1_000_000);

    provider.set({ error: providerErrors.server() });
    const refused = await failureOf(services.ask("acme"));
    expect(refused.findDetails(TokenUsageSchema)[0]?.cost).toMatchObject({ units: 0n, nanos: 0 });
    expect(await services.budget("acme")).toEqual({ spent, platform: spent, reserved: 0 });

    const cut = await start({ QUARTET_BUDGET_PLATFORM: "1" });
    provider.set({ error: undefined, cut: { afterPieces: 2, by: "fin" }, answer: "one two three four" });
    const broken = await failureOf(cut.ask("acme"));
    const cost = nanosOf(broken.findDetails(TokenUsageSchema)[0]?.cost);
    expect(cost).toBeGreaterThan(0);
    expect(await cut.budget("acme")).toEqual({ spent: spent + cost, platform: spent + cost, reserved: 0 });
  }, 60_000);

  it("holds for chats that are passed on, and for models that have a price alone", async () => {
    provider.set({ usage });
    const services = await start({ QUARTET_BUDGET_TENANT: "0.001" });
    const chat = (model: string) => ({ model, max_tokens: 50, messages: [{ role: "user", content: "안녕" }] });
    const unknown = await failureOf(services.relay("acme", chat("gpt-4o")));
    expect([unknown.code, reasonOf(unknown)]).toEqual([Code.InvalidArgument, "MODEL_UNKNOWN"]);
    expect(provider.requests).toHaveLength(0);
    const long = await failureOf(services.relay("acme", { ...chat("gpt-4o-mini"), max_tokens: 100_000 }));
    expect([long.code, reasonOf(long)]).toEqual([Code.ResourceExhausted, "BUDGET_EXHAUSTED"]);
    const many = await failureOf(services.relay("acme", { ...chat("gpt-4o-mini"), n: 8, max_tokens: 100 }));
    expect(reasonOf(many)).toBe("BUDGET_EXHAUSTED");
    expect(provider.requests).toHaveLength(0);
    expect(nanosOf((await services.relay("acme", chat("gpt-4o-mini")))?.cost)).toBe(ANSWER_NANOS);
    const { answered, error } = await askUntilRefused(() => services.relay("acme", chat("gpt-4o-mini")));
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "BUDGET_EXHAUSTED"]);
    expect(provider.requests).toHaveLength(answered + 1);
  });

  it("remembers what was spent after a restart", async () => {
    const first = await start({ QUARTET_BUDGET_TENANT: "0.006" });
    const { answered } = await askUntilRefused(() => first.ask("acme"));
    await Promise.all(started.splice(0).map((services) => services.close()));
    const second = await start({ QUARTET_BUDGET_TENANT: "0.006" });
    expect(reasonOf(await failureOf(second.ask("acme")))).toBe("BUDGET_EXHAUSTED");
    expect((await second.budget("acme")).spent).toBe(answered * ANSWER_NANOS);
  }, 60_000);
});

describeWithStores("a budget of replicas", ["postgres", "redis"], ({ postgres, redis }) => {
  it("is held together by two of them under 50 concurrent calls", async () => {
    await using database = await postgres.createDatabase();
    await migrateDatabase(database.url);
    await using keys = redis.createPrefix();
    const environment = {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      QUARTET_REDIS_KEY_PREFIX: keys.prefix,
      QUARTET_REDIS_TIMEOUT: "2s",
      QUARTET_BUDGET_PLATFORM: "0.01",
    };
    const replicas = [await start(environment), await start(environment)];
    // A busy machine takes its time for first readings; whoever knows one goes on with it.
    for (const replica of replicas)
      for (const tenant of ["t0", "t1", "t2", "t3", "t4", "later"])
        await until(async () => (await replica.budget(tenant)).platform === 0);
    provider.set({ delayMs: 20 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => replicas[index % 2]!.ask(`t${index % 5}`)),
    );
    const answered = outcomes.filter(({ status }) => status === "fulfilled").length;
    expect(answered).toBeGreaterThan(0);
    expect(provider.requests).toHaveLength(answered);
    const refused = outcomes.flatMap((each) => (each.status === "rejected" ? [reasonOf(each.reason)] : []));
    expect(new Set(refused)).toEqual(new Set(["BUDGET_EXHAUSTED"]));
    const knowAll = async (spent: number) => {
      for (const replica of replicas)
        await until(async () => {
          const { platform, reserved } = await replica.budget("later");
          return platform === spent && reserved === 0;
        });
    };
    await knowAll(answered * ANSWER_NANOS);
    // What was set aside and not used is there for others.
    const { answered: more } = await askUntilRefused(() => replicas[1]!.ask("later"));
    const spent = (answered + more) * ANSWER_NANOS;
    expect(more).toBeGreaterThan(0);
    expect(spent).toBeLessThanOrEqual(10_000_000);
    await knowAll(spent);
  }, 120_000);
});
