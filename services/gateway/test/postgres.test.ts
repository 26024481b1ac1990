import { setTimeout } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { reasonOf } from "@quartet/errors";
import { createPool, migrate, type Pool } from "@quartet/postgres";
import { createTcpProxy, type TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { createLogger } from "@quartet/telemetry";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createAdvisoryLease } from "../src/adapters/postgres/lease.ts";
import { role, schema } from "../src/adapters/postgres/schema.ts";
import { openPostgresStores } from "../src/adapters/postgres/stores.ts";
import type { AccessToken } from "../src/domain/access/access-token.ts";
import { hashSecret, makeTokenText } from "../src/domain/access/secret.ts";
import { createTokensTask } from "../src/operator/tokens.ts";
import type { Stores } from "../src/stores.ts";
import { failure } from "./failure.ts";
import { openInMemory } from "./open-gateway.ts";

const signal = new AbortController().signal;

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 15_000; Date.now() < end; await setTimeout(20)) if (await holds()) return;
  throw new Error("it never came to hold");
};

describeWithStores("the gateway's stores in PostgreSQL", ["postgres"], ({ postgres }) => {
  let database: TestDatabase;
  let stores: Stores;
  let lines: string[];
  const log = createLogger({ service: "gateway", destination: { write: (line) => void lines.push(line) } });
  const open = (url = database.url) => openPostgresStores({ url, log });

  beforeAll(async () => {
    lines = [];
    database = await postgres.createDatabase();
    await migrate({ url: database.url, schema, signal });
    stores = open();
    await stores.start(signal);
  });
  afterAll(async () => {
    await stores.stop();
    await database.drop();
  });

  /** As an operator types it; gives what goes to stdout and to people. */
  async function operate(...args: string[]) {
    const told = { out: [] as string[], notes: [] as string[] };
    const task = createTokensTask(args, (line) => void told.notes.push(line));
    await task({ DATABASE_URL: database.url }, { signal, print: (line) => void told.out.push(line) });
    return told;
  }
  const issue = async (tenant: string, ...more: string[]) =>
    (await operate("create", "--tenant", tenant, ...more)).out[0]!;

  const newToken = (more: Partial<AccessToken> = {}): AccessToken & { secret: string } => {
    const text = makeTokenText();
    const createTime = new Date();
    const whole = { label: "시험", roles: ["read"] as const, createTime, expireTime: undefined, revokeTime: undefined };
    return { ...whole, ...text, ...more };
  };

  describe("access tokens", () => {
    it("come back as they were put, by page, newest first, and to their tenant alone", async () => {
      await issue("pages");
      const made = [1, 2, 3].map((second) =>
        newToken({ createTime: new Date(1_000 * second), expireTime: new Date(4e12), label: `${second}` }),
      );
      for (const { secret, ...token } of made) {
        await stores.access.create("pages", token, hashSecret(secret), signal);
      }
      const first = await stores.access.list("pages", { after: undefined, limit: 2 }, signal);
      expect(first.map(({ label }) => label)).toEqual(["", "3"]);
      const rest = await stores.access.list("pages", { after: first[1], limit: 9 }, signal);
      const { secret: _, ...second } = made[1]!;
      expect(rest[0]).toEqual(second);
      expect(rest.map(({ label }) => label)).toEqual(["2", "1"]);
      expect(await stores.access.list("stranger", { after: undefined, limit: 9 }, signal)).toEqual([]);
    });

    it("are found by ID whoever's they are, with their hash, until they are revoked or their tenant is disabled", async () => {
      await issue("found");
      const { secret, ...token } = newToken();
      await stores.access.create("found", token, hashSecret(secret), signal);
      expect(await stores.access.find(token.id, signal)).toEqual({
        tenant: "found",
        roles: ["read"],
        secretHash: Buffer.from(hashSecret(secret)),
        expireTime: undefined,
      });
      await operate("disable", "--tenant", "found");
      expect(await stores.access.find(token.id, signal)).toBeUndefined();
      expect(await stores.access.tenants(signal)).not.toContain("found");
      await operate("enable", "--tenant", "found");
      expect(await stores.access.tenants(signal)).toContain("found");
      expect(await stores.access.revoke("stranger", token.id, signal)).toBeUndefined();
      const revoked = await stores.access.revoke("found", token.id, signal);
      expect(await stores.access.revoke("found", token.id, signal)).toEqual(revoked);
      expect(await stores.access.find(token.id, signal)).toBeUndefined();
      expect(await stores.access.find("'; DROP TABLE access_token;--", signal)).toBeUndefined();
    });

    it("let holders in through the gateway, from the operator's first one on", async () => {
      const admin = { headers: { authorization: `Bearer ${await issue("acme", "--role", "admin", "--label", "첫")}` } };
      const environment = { QUARTET_AUTHENTICATION: "tokens", DATABASE_URL: database.url, QUARTET_INDEX_POLL: "1h" };
      await using gateway = await openInMemory(environment, { stores });
      const { secret, accessToken } = await gateway.tokens.createAccessToken({ accessToken: { roles: [1] } }, admin);
      const reader = { headers: { authorization: `Bearer ${secret}` } };
      await gateway.search.searchPassages({ query: "휴가" }, reader);
      expect(gateway.tenants.at(-1)).toBe("SearchPassages for acme");
      await gateway.tokens.revokeAccessToken({ accessTokenId: accessToken!.id }, admin);
      const error = await failure(gateway.search.searchPassages({ query: "휴가" }, reader));
      expect([error.code, reasonOf(error)]).toEqual([Code.Unauthenticated, "CREDENTIAL_INVALID"]);
    });
  });

  describe("row-level security", () => {
    let pool: Pool;
    beforeAll(() => {
      pool = createPool({ url: database.url, role, schema: schema.name, applicationName: "probe", maxConnections: 1 });
    });
    afterAll(() => pool.close());
    const count = (tenant?: string) =>
      pool.transaction({ signal, ...(tenant !== undefined && { tenant }) }, async (transaction) => {
        const [row] = await transaction.query<{ count: number }>("SELECT count(id) AS count FROM access_token");
        return Number(row?.count);
      });

    it("shows a tenant's rows to it alone, without any condition of ours, and none where no tenant is named", async () => {
      await issue("one");
      await issue("two");
      await issue("two");
      expect([await count("one"), await count("two"), await count("three"), await count()]).toEqual([1, 2, 0, 0]);
    });

    it("does not carry a tenant over on a pooled connection, after a failed transaction neither", async () => {
      const failing = pool.transaction({ tenant: "one", signal }, async (transaction) => {
        await transaction.query("SELECT count(id) FROM access_token");
        throw new Error("given up");
      });
      await expect(failing).rejects.toThrow("given up");
      expect(await count()).toBe(0);
      expect(await count("two")).toBe(2);
    });

    it.each([
      ["a hash", "SELECT secret_hash FROM access_token"],
      ["tenants", "SELECT * FROM tenant"],
      ["another tenant's name", "UPDATE access_token SET tenant = 'two'"],
      ["roles", "UPDATE access_token SET roles = '{admin}'"],
      ["tokens that are not there", "DELETE FROM access_token"],
      ["a table", "DROP TABLE access_token"],
    ])("keeps the service from %s", async (_what, statement) => {
      const work = pool.transaction({ tenant: "one", signal }, (transaction) => transaction.execute(statement));
      await expect(work).rejects.toMatchObject({ sqlState: "42501" });
    });

    it("refuses a token that is put for another tenant", async () => {
      const { secret, ...token } = newToken();
      const text =
        "INSERT INTO access_token (id, tenant, label, roles, secret_hash, create_time_ms) VALUES ($1, 'two', '', '{read}', $2, 0)";
      const values = [token.id, hashSecret(secret)];
      const work = pool.transaction({ tenant: "one", signal }, (transaction) => transaction.execute(text, values));
      await expect(work).rejects.toMatchObject({ sqlState: "42501" });
    });
  });

  describe("the lease", () => {
    const openLease = (url = database.url) => {
      const pool = createPool({ url, role, schema: schema.name, applicationName: "lease", maxConnections: 1 });
      return { pool, lease: createAdvisoryLease({ pool, name: "test", heartbeatMs: 50 }) };
    };

    it("is held by one at a time, and goes to another when it is let go", async () => {
      const [one, other] = [openLease(), openLease()];
      const held = await one.lease.acquire(signal);
      expect(await other.lease.acquire(signal)).toBeUndefined();
      await setTimeout(200);
      expect(held?.signal.aborted).toBe(false);
      await held?.release();
      const next = await other.lease.acquire(signal);
      expect(next?.signal.aborted).toBe(false);
      await next?.release();
      await Promise.all([one.pool.close(), other.pool.close()]);
    });

    it("is lost with its connection, which is told, and can be had again", async () => {
      await using proxy = await createTcpProxy({ target: database.url });
      const { pool, lease } = openLease(proxy.url(database.url));
      const held = await lease.acquire(signal);
      proxy.cutAll();
      await until(() => held!.signal.aborted);
      await held?.release();
      let again = await lease.acquire(signal);
      // The server may take a moment to see that the connection is gone.
      await until(async () => (again ??= await lease.acquire(signal)) !== undefined);
      await again?.release();
      await pool.close();
    });

    it("ends with the process that holds it", async () => {
      const { pool, lease } = openLease();
      const stop = new AbortController();
      const held = await lease.acquire(stop.signal);
      stop.abort(new Error("going down"));
      await until(() => held!.signal.aborted);
      await held?.release();
      await pool.close();
    });
  });

  describe("a server that is away", () => {
    it("is no reason not to start, is said to be away, and is used when it is there", async () => {
      await using proxy = await createTcpProxy({ target: database.url });
      await proxy.set({ kind: "refuse" });
      const late = open(proxy.url(database.url));
      await late.start(signal);
      const error = await failure(late.access.find("a", signal));
      expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "UPSTREAM_FAILED"]);
      expect(error.message).not.toMatch(/127\.0\.0\.1|postgres/i);
      await proxy.set({ kind: "pass" });
      expect(await late.access.find("a", signal)).toBeUndefined();
      expect(late.figures()).toMatchObject([{ name: "postgres", maxSize: 8 }]);
      await late.stop();
      expect(lines.join("")).not.toContain(new URL(database.url).password);
    });

    it("that has no such schema is a reason not to start, in one line", async () => {
      await using empty = await postgres.createDatabase();
      const wrong = open(empty.url);
      await expect(wrong.start(signal)).rejects.toMatchObject({ name: "StartError", message: /npm run migrate/ });
      await wrong.stop();
    });
  });

  describe("the operator's command", () => {
    it("prints the token alone, and keeps it nowhere", async () => {
      const { out, notes } = await operate("create", "--tenant", "acme", "--role", "read", "--role", "write");
      expect(out).toEqual([expect.stringMatching(/^qt_[a-z2-7]{16}_[A-Za-z0-9_-]{43}$/)]);
      expect(notes.join("")).not.toContain(out[0]!.slice(20));
      expect(JSON.parse((await operate("create", "--tenant", "acme", "--json")).out[0]!)).toMatchObject({
        accessToken: { roles: ["ROLE_READ"] },
        secret: expect.stringMatching(/^qt_/),
      });
    });

    it.each([
      [["create"], "--tenant"],
      [["create", "--tenant", "A B"], "--tenant"],
      [["create", "--tenant", "a", "--role", "root"], "--role"],
      [["create", "--tenant", "a", "--days", "0"], "--days"],
      [["create", "--tenant", "a", "--label", "가".repeat(129)], "--label"],
      [["frob", "--tenant", "a"], "No such command"],
      [["create", "--colour", "red"], "--colour"],
    ])("refuses %j with what is wrong", async (args, what) => {
      await expect(operate(...args)).rejects.toMatchObject({
        name: "UsageError",
        message: expect.stringContaining(what),
      });
    });

    it("fails for a tenant that is not there", async () => {
      await expect(operate("disable", "--tenant", "nobody")).rejects.toMatchObject({
        name: "StartError",
        message: expect.stringContaining("no tenant nobody"),
      });
    });
  });
});
