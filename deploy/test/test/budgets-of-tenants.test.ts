import { createQuartetClient, type QuartetClient, QuartetError } from "@quartet/client";
import * as gateway from "@quartet/gateway-service";
import { createApp, parseConfig } from "@quartet/standalone-service";
import { type FakeProvider, startFakeProvider, type TestDatabase, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { nanosOf } from "../src/budgeted-services.ts";
import { runGatewayCommand } from "../src/gateway-commands.ts";
import { freePort, temporaryFolder } from "../src/processes.ts";

const signal = new AbortController().signal;
const usage = { inputTokens: 100, outputTokens: 20 };
/** Of an answer, and of a question's vector with it. */
const ANSWER_NANOS = 140_000;
const VECTOR_NANOS = 100_000;

/** The whole of Quartet in this process, with its own record and ledger; only who may call is kept in PostgreSQL. */
describeWithStores("the budgets of two tenants on one installation", ["postgres"], ({ postgres }) => {
  let provider: FakeProvider;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let database: TestDatabase;
  let stop: () => Promise<void>;
  const clients = {} as Record<"acme" | "beta" | "operator", QuartetClient>;

  beforeAll(async () => {
    provider = await startFakeProvider({ usage });
    folder = await temporaryFolder();
    database = await postgres.createDatabase();
    await runGatewayCommand("migrate.ts", [], database.url);
    const port = await freePort();
    const environment = {
      OPENAI_BASE_URL: provider.baseUrl,
      QUARTET_EMBEDDING_DIMENSIONS: "64",
      QUARTET_DATA_DIR: folder.path,
      QUARTET_PORT: String(port),
      QUARTET_LOG_LEVEL: "silent",
      QUARTET_GENERATION_MAX_TOKENS: "100",
      QUARTET_PRICES: "gpt-4o-mini input=1 output=2; text-embedding-3-small input=1",
      QUARTET_BUDGET_PLATFORM: "1",
      QUARTET_BUDGET_TENANTS: "acme=0.006",
    };
    const access = { DATABASE_URL: database.url, QUARTET_AUTHENTICATION: "tokens", QUARTET_INDEX_POLL: "200ms" };
    const config = { ...parseConfig(environment), gateway: gateway.parseConfig({ ...environment, ...access }) };
    const app = createApp(config);
    await app.start(signal);
    stop = () => app.stop(signal);
    for (const [name, tenant, ...roles] of [
      ["acme", "acme", "read", "write"],
      ["beta", "beta", "read", "write"],
      ["operator", "acme", "admin"],
    ] as const) {
      const args = roles.flatMap((role) => ["--role", role]);
      const token = await runGatewayCommand("tokens.ts", ["create", "--tenant", tenant, ...args], database.url);
      clients[name] = createQuartetClient({ baseUrl: `http://127.0.0.1:${port}`, token });
    }
    for (const client of [clients.acme, clients.beta])
      await client.documents.putDocuments({
        documents: [{ id: "leave", text: "연차 휴가는 25일입니다. Annual leave is 25 days.", collection: "hr" }],
      });
    await until(async () => provider.requests.length >= 2);
  }, 120_000);
  afterAll(async () => {
    await stop?.();
    await database.drop();
    await provider.close();
    await folder[Symbol.asyncDispose]();
  });

  let questions = 0;
  const ask = (client: QuartetClient) =>
    client.answers.answerQuestion({ question: `연차 휴가는 며칠입니까? (${(questions += 1)})` });
  const chats = () => provider.requests.filter(({ path }) => path.endsWith("/chat/completions")).length;

  it("tells what an answer cost, its question's vector included", async () => {
    const { usage: told } = await ask(clients.beta);
    expect(nanosOf(told?.cost)).toBe(ANSWER_NANOS + VECTOR_NANOS);
    expect(told?.callCount).toBe(2);
  });

  it("refuses the one that has spent its own before a model is asked, and answers the other", async () => {
    let refused: unknown;
    for (let asked = 0; refused === undefined && asked < 100; asked += 1)
      refused = await ask(clients.acme).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(refused).toBeInstanceOf(QuartetError);
    expect(refused).toMatchObject({ code: "resource_exhausted", reason: "BUDGET_EXHAUSTED" });
    expect((refused as QuartetError).retryDelayMs).toBeGreaterThan(0);
    const before = chats();
    await expect(ask(clients.acme)).rejects.toMatchObject({ reason: "BUDGET_EXHAUSTED" });
    expect(chats()).toBe(before);
    await ask(clients.beta);
    expect(chats()).toBe(before + 1);
  });

  it("shows an operator the platform's and its own tenant's, and nothing of others", async () => {
    const { status } = await clients.operator.operations.getPlatformStatus({ readMask: { paths: ["budgets"] } });
    const [platform, tenant, ...more] = status!.budgets;
    expect([platform?.scope, tenant?.scope, more]).toEqual(["platform", "tenant", []]);
    expect(nanosOf(platform?.limit)).toBe(1_000_000_000);
    expect(nanosOf(tenant?.limit)).toBe(6_000_000);
    expect(nanosOf(tenant?.spent)).toBeLessThanOrEqual(6_000_000);
    expect(nanosOf(platform?.spent)).toBeGreaterThan(nanosOf(tenant?.spent));
    expect(nanosOf(tenant?.reserved)).toBe(0);
  });
});
