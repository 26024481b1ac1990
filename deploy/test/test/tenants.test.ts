import { setTimeout } from "node:timers/promises";
import { createQuartetClient, PutWait, type QuartetClient, QuartetError } from "@quartet/client";
import * as gateway from "@quartet/gateway-service";
import { createApp, parseConfig } from "@quartet/standalone-service";
import type { TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { runGatewayCommand } from "../src/gateway-commands.ts";
import { freePort } from "../src/processes.ts";

const signal = new AbortController().signal;

const failure = async (call: Promise<unknown>): Promise<QuartetError> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof QuartetError) return error;
  throw new Error("the call did not fail as a call does", { cause: error });
};

/** The whole of Quartet in this process, with its own record; only who may call is kept in PostgreSQL. */
describeWithStores("two tenants on one installation", ["postgres"], ({ postgres }) => {
  let database: TestDatabase;
  let stop: () => Promise<void>;
  const tenants = { acme: {} as QuartetClient, beta: {} as QuartetClient };
  let admin: QuartetClient;
  let baseUrl: string;
  const tokens: string[] = [];

  beforeAll(async () => {
    database = await postgres.createDatabase();
    await runGatewayCommand("migrate.ts", [], database.url);
    const port = await freePort();
    baseUrl = `http://127.0.0.1:${port}`;
    const environment = { QUARTET_DATA_DIR: ":memory:", QUARTET_PORT: String(port), QUARTET_LOG_LEVEL: "warn" };
    const access = { DATABASE_URL: database.url, QUARTET_AUTHENTICATION: "tokens", QUARTET_INDEX_POLL: "200ms" };
    const config = { ...parseConfig(environment), gateway: gateway.parseConfig({ ...environment, ...access }) };
    const app = createApp(config);
    await app.start(signal);
    stop = () => app.stop(signal);
    const issue = async (tenant: string, ...roles: string[]) => {
      const args = roles.flatMap((role) => ["--role", role]);
      const token = await runGatewayCommand("tokens.ts", ["create", "--tenant", tenant, ...args], database.url);
      tokens.push(token);
      return createQuartetClient({ baseUrl, token });
    };
    tenants.acme = await issue("acme", "read", "write");
    tenants.beta = await issue("beta", "read", "write");
    admin = await issue("acme", "admin");
    await tenants.acme.documents.putDocuments({
      documents: [
        { id: "leave", text: "에이크미의 연차 휴가는 canary-acme 25일입니다.", collection: "hr" },
        { id: "only-acme", text: "The acme refund takes 14 days.", collection: "hr" },
      ],
    });
    await tenants.beta.documents.putDocuments({
      documents: [{ id: "leave", text: "베타의 연차 휴가는 canary-beta 11일입니다.", collection: "hr" }],
    });
  }, 120_000);
  afterAll(async () => {
    await stop?.();
    await database.drop();
  });

  it("each see the document of their own under the same ID", async () => {
    for (const [name, client] of Object.entries(tenants)) {
      const { document } = await client.documents.getDocument({ documentId: "leave" });
      expect(document?.text).toContain(`canary-${name}`);
    }
  });

  it("each find, are answered from, and list their own alone", async () => {
    for (const [name, client] of Object.entries(tenants)) {
      const other = name === "acme" ? "canary-beta" : "canary-acme";
      const told = [
        await client.search.searchPassages({ query: "연차 휴가는 며칠입니까 canary-beta canary-acme" }),
        await client.answers.answerQuestion({ question: "연차 휴가는 며칠입니까?" }),
        await client.documents.listDocuments({ view: 2 }),
      ].map((each) => JSON.stringify(each, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)));
      expect(told.filter((text) => text.includes(`canary-${name}`)).length).toBeGreaterThanOrEqual(2);
      expect(told.filter((text) => text.includes(other))).toEqual([]);
    }
  });

  it("are told of another's document what they are told of none, and cannot delete it", async () => {
    const { beta } = tenants;
    const theirs = await failure(beta.documents.getDocument({ documentId: "only-acme" }));
    const nobodys = await failure(beta.documents.getDocument({ documentId: "never-was" }));
    expect([theirs.code, theirs.reason, theirs.message]).toEqual([nobodys.code, nobodys.reason, nobodys.message]);
    expect(theirs.reason).toBe("NOT_FOUND");
    expect((await beta.documents.deleteDocuments({ documentIds: ["only-acme"] })).deletedCount).toBe(0);
    await tenants.acme.documents.getDocument({ documentId: "only-acme" });
  });

  it("cannot go on with another's page, nor be another by a header", async () => {
    const { nextPageToken } = await tenants.acme.documents.listDocuments({ pageSize: 1 });
    expect(nextPageToken).not.toBe("");
    const error = await failure(tenants.beta.documents.listDocuments({ pageSize: 1, pageToken: nextPageToken }));
    expect(error.reason).toBe("PAGE_TOKEN_INVALID");
    const headers = { "quartet-tenant": "acme", "x-tenant-id": "acme" };
    const { documents } = await tenants.beta.documents.listDocuments({}, { headers });
    expect(documents.map(({ id }) => id)).toEqual(["leave"]);
  });

  it("both get vectors from the one worker, and a put can wait for them", async () => {
    const missing = async () => {
      const states = await Promise.all(Object.values(tenants).map((client) => client.documents.listCollections({})));
      return states.flatMap(({ collections }) =>
        collections.filter(({ passageCount, activeVectorCount }) => activeVectorCount < passageCount),
      );
    };
    for (const end = Date.now() + 30_000; (await missing()).length > 0 && Date.now() < end;) await setTimeout(50);
    expect(await missing()).toEqual([]);
    const put = { documents: [{ id: "new", text: "새 문서입니다.", collection: "news" }], wait: PutWait.SEARCHABLE };
    expect((await tenants.beta.documents.putDocuments(put)).degradations).toEqual([]);
  });

  it("are let in no more once the operator says so, within the 10 s that are promised", async () => {
    await runGatewayCommand("tokens.ts", ["disable", "--tenant", "beta"], database.url);
    const isIn = () =>
      tenants.beta.documents.listDocuments({}).then(
        () => true,
        (error: unknown) => (error as QuartetError).code !== "unauthenticated",
      );
    for (const end = Date.now() + 20_000; (await isIn()) && Date.now() < end;) await setTimeout(200);
    expect(await isIn()).toBe(false);
    await tenants.acme.documents.listDocuments({});
  });

  it("leave the platform's figures to the role admin, which name no tenant", async () => {
    expect((await failure(tenants.acme.operations.getPlatformStatus({}))).reason).toBe("ROLE_MISSING");
    const { status } = await admin.operations.getPlatformStatus({});
    expect(status?.instances.map(({ service }) => service)).toEqual(["standalone"]);
    expect(status?.degradations).toEqual([]);
    expect(status?.pools.map(({ name }) => name)).toContain("postgres");
    const metrics = await (await fetch(`${baseUrl}/metrics`)).text();
    for (const secret of ["acme", "beta", ...tokens.map((token) => token.slice(20))])
      expect(metrics).not.toContain(secret);
  });
});
