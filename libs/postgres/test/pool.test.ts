import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "@jest/globals";
import { createTcpProxy, type TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import {
  ConflictError,
  ConnectionError,
  ConstraintError,
  createPool,
  type Pool,
  PoolBusyError,
  type PoolOptions,
  PostgresError,
  StatementTimeoutError,
} from "../src/index.ts";
import { eventually } from "./eventually.ts";

describeWithStores("a pool", ["postgres"], ({ postgres }) => {
  let database: TestDatabase;
  let owner: Pool;
  const pools: Pool[] = [];
  const open = (options: Partial<PoolOptions> = {}): Pool => {
    const pool = createPool({ url: database.url, applicationName: "under test", maxConnections: 3, ...options });
    pools.push(pool);
    return pool;
  };
  const never = { signal: new AbortController().signal };
  const one = async <Row extends object>(pool: Pool, text: string, tenant?: string): Promise<Row> => {
    const options = { ...never, ...(tenant === undefined ? {} : { tenant }) };
    return (await pool.transaction(options, (transaction) => transaction.query<Row>(text)))[0]!;
  };
  const tenantNow = async (pool: Pool) =>
    (await one<{ tenant: string | null }>(pool, "SELECT current_setting('quartet.tenant', true) AS tenant")).tenant;
  const backend = async (pool: Pool) => (await one<{ pid: number }>(pool, "SELECT pg_backend_pid() AS pid")).pid;
  /** Statements that the server runs for pools under test. */
  const running = async () => {
    const sql =
      "SELECT count(*) AS count FROM pg_stat_activity WHERE application_name = 'under test' AND datname = current_database() AND state = 'active'";
    return (await one<{ count: number }>(owner, sql)).count;
  };

  beforeAll(async () => {
    database = await postgres.createDatabase();
    owner = createPool({ url: database.url, applicationName: "owner" });
    await owner.transaction(never, (transaction) =>
      transaction.execute("CREATE TABLE item (id int PRIMARY KEY, name text)"),
    );
  });
  beforeEach(() => owner.transaction(never, (transaction) => transaction.execute("TRUNCATE item")));
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });
  afterAll(async () => {
    await owner.close();
    await database.drop();
  });

  it("commits what resolves and rolls back what rejects", async () => {
    const pool = open();
    const count = async () => (await one<{ count: number }>(pool, "SELECT count(*) AS count FROM item")).count;
    await expect(
      pool.transaction(never, async (transaction) => {
        await transaction.execute("INSERT INTO item VALUES (1, 'one')");
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await count()).toBe(0);
    expect(
      await pool.transaction(never, (transaction) => transaction.execute("INSERT INTO item VALUES (1, 'one')")),
    ).toBe(1);
    expect(await count()).toBe(1);
  });

  it("shows one state of the database to all statements where that is asked for", async () => {
    const pool = open();
    const count = "SELECT count(*) AS count FROM item";
    const counts = await pool.transaction({ ...never, oneSnapshot: true, readOnly: true }, async (transaction) => {
      const [before] = await transaction.query(count);
      await one(owner, "INSERT INTO item VALUES (1, 'one')");
      return [before, ...(await transaction.query(count))];
    });
    expect(counts).toEqual([{ count: 0 }, { count: 0 }]);
    expect(await one(pool, count)).toEqual({ count: 1 });
  });

  it("does not take a failed statement for a commit when its error is swallowed", async () => {
    const work = open().transaction(never, async (transaction) => {
      await transaction.execute("INSERT INTO item VALUES (1, 'one')");
      await transaction.execute("SELECT 1 / 0").catch(() => {});
    });
    await expect(work).rejects.toThrow("its error was not passed on");
  });

  it("reads numbers, lists, JSON and bytes as they are", async () => {
    const sql = `SELECT 9007199254740991::bigint AS big, '{1,-2}'::bigint[] AS list, '{}'::bigint[] AS empty, '{"a": [1]}'::jsonb AS json, '\\x00ff'::bytea AS bytes`;
    expect(await one(open(), sql)).toEqual({
      big: Number.MAX_SAFE_INTEGER,
      list: [1, -2],
      empty: [],
      json: { a: [1] },
      bytes: Buffer.from([0, 255]),
    });
    await expect(one(open(), "SELECT 9007199254740993::bigint")).rejects.toThrow("beyond 2^53");
  });

  it("names a tenant for one transaction only, also after a failed one", async () => {
    const pool = open({ maxConnections: 1 });
    const hostile = "o'neill \\' ; SET quartet.tenant = 'x' -- 가";
    expect(await one(pool, "SELECT current_setting('quartet.tenant') AS tenant", hostile)).toEqual({ tenant: hostile });
    expect(await tenantNow(pool)).toBe("");
    await expect(one(pool, "SELECT 1 / 0", "a")).rejects.toThrow(PostgresError);
    expect(await tenantNow(pool)).toBe("");
    const aborted = pool.transaction({ signal: AbortSignal.timeout(50), tenant: "a" }, (transaction) =>
      transaction.query("SELECT pg_sleep(30)"),
    );
    await expect(aborted).rejects.toThrow();
    expect(await tenantNow(pool)).toBe("");
    expect(pool.stats().size).toBe(1);
  });

  it("refuses a tenant that is none, and to write where it only reads", async () => {
    const pool = open();
    await expect(one(pool, "SELECT 1", "")).rejects.toThrow(RangeError);
    await expect(one(pool, "SELECT 1", "a\0b")).rejects.toThrow(RangeError);
    const write = pool.transaction({ ...never, readOnly: true }, (transaction) =>
      transaction.execute("INSERT INTO item VALUES (1, 'one')"),
    );
    await expect(write).rejects.toMatchObject({ sqlState: "25006" });
    expect(pool.stats().size).toBeGreaterThan(0);
  });

  it("types what goes wrong, and quotes no value of a row", async () => {
    const pool = open();
    await one(pool, "INSERT INTO item VALUES (1, 'one')");
    const twice = one(pool, "INSERT INTO item VALUES (1, 'canary')");
    await expect(twice).rejects.toThrow(ConstraintError);
    await expect(twice).rejects.toMatchObject({ constraint: "item_pkey", sqlState: "23505" });
    for (const sql of ["SELECT 'canary'::int", "INSERT INTO item VALUES (1, 'canary')"]) {
      const error: Error = await one(pool, sql).then(
        () => new Error("no error"),
        (thrown: Error) => thrown,
      );
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain("canary");
    }
    await expect(one(pool, "SELECT nonsense")).rejects.toThrow('column "nonsense" does not exist');
  });

  it("tells of a deadlock as of something that may be tried again", async () => {
    const pool = open();
    await one(pool, "INSERT INTO item VALUES (1, 'one'), (2, 'two')");
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    const lock = (first: number, second: number) =>
      pool.transaction(never, async (transaction) => {
        await transaction.execute("UPDATE item SET name = 'x' WHERE id = $1", [first]);
        waiting += 1;
        if (waiting === 2) both.resolve();
        await both.promise;
        await transaction.execute("UPDATE item SET name = 'x' WHERE id = $1", [second]);
      });
    const outcomes = await Promise.allSettled([lock(1, 2), lock(2, 1)]);
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(failed.map(({ reason }) => (reason as Error).constructor)).toEqual([ConflictError]);
  });

  it("stops the server's work when the caller leaves, and keeps the connection (B12)", async () => {
    const pool = open({ maxConnections: 1 });
    const before = await backend(pool);
    const caller = new AbortController();
    const work = pool.transaction({ signal: caller.signal }, (transaction) => transaction.query("SELECT pg_sleep(60)"));
    await eventually(async () => expect(await running()).toBe(1));
    caller.abort(new Error("left"));
    await expect(work).rejects.toThrow("left");
    await eventually(async () => expect(await running()).toBe(0));
    expect(await backend(pool)).toBe(before);
  });

  it("stops a statement that waits for a lock when the time is over (B9)", async () => {
    const pool = open();
    await one(pool, "INSERT INTO item VALUES (1, 'one')");
    await owner.transaction(never, async (transaction) => {
      await transaction.execute("UPDATE item SET name = 'locked'");
      const slow = pool.transaction({ ...never, timeoutMs: 100 }, (other) =>
        other.execute("UPDATE item SET name = 'mine'"),
      );
      await expect(slow).rejects.toThrow(StatementTimeoutError);
      const busy =
        "SELECT count(*) AS count FROM pg_stat_activity WHERE application_name = 'under test' AND datname = current_database() AND state <> 'idle'";
      await eventually(async () => expect((await one<{ count: number }>(owner, busy)).count).toBe(0));
    });
    expect(await one(pool, "SELECT name FROM item")).toEqual({ name: "locked" });
  });

  it("tells the server too how long it may take, for the case that nobody can ask it to stop", async () => {
    const pool = open({ statementTimeoutMs: 30_000 });
    const limit = async (timeoutMs?: number) => {
      const options = timeoutMs === undefined ? never : { ...never, timeoutMs };
      const sql = "SELECT setting::int AS ms FROM pg_settings WHERE name = 'statement_timeout'";
      return (await pool.transaction(options, (transaction) => transaction.query<{ ms: number }>(sql)))[0]!.ms;
    };
    expect(await limit(20_000)).toBeLessThanOrEqual(21_000);
    expect(await limit(60_000)).toBe(30_000);
    expect(await limit()).toBe(30_000);
  });

  it("lets the server end a statement by itself where nobody can ask it to", async () => {
    const pool = open({ statementTimeoutMs: 100 });
    await expect(one(pool, "SELECT pg_sleep(60)")).rejects.toThrow(StatementTimeoutError);
  });

  it("has callers wait within bounds when all connections are in use (B10)", async () => {
    const pool = open({ maxConnections: 2, waitTimeoutMs: 200 });
    const release = Promise.withResolvers<void>();
    const holders = [1, 2].map(() => pool.transaction(never, () => release.promise));
    await eventually(async () => expect(pool.stats()).toMatchObject({ size: 2, idle: 0 }));
    const refused = await Promise.allSettled(Array.from({ length: 50 }, () => backend(pool)));
    expect(refused.every((outcome) => outcome.status === "rejected" && outcome.reason instanceof PoolBusyError)).toBe(
      true,
    );
    expect(pool.stats().waiting).toBe(0);
    expect(pool.stats().waitP95Ms).toBeGreaterThan(100);
    release.resolve();
    await Promise.all(holders);
    expect(await backend(pool)).toBeGreaterThan(0);
  });

  it("lets who waits leave", async () => {
    const pool = open({ maxConnections: 1, waitTimeoutMs: 60_000 });
    const release = Promise.withResolvers<void>();
    const holder = pool.transaction(never, () => release.promise);
    const caller = new AbortController();
    const waiting = pool.transaction({ signal: caller.signal }, async () => {});
    await eventually(async () => expect(pool.stats().waiting).toBe(1));
    caller.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    expect(pool.stats().waiting).toBe(0);
    release.resolve();
    await holder;
  });

  it("survives the end of idle connections without a failed call (B11)", async () => {
    const errors: unknown[] = [];
    const pool = open({ onError: (error) => errors.push(error) });
    const pid = await backend(pool);
    await one(owner, `SELECT pg_terminate_backend(${pid})`);
    await eventually(async () => expect(errors).toHaveLength(1));
    expect(errors[0]).toBeInstanceOf(ConnectionError);
    expect(await backend(pool)).not.toBe(pid);
  });

  it("fails the one call whose connection is ended, as worth another attempt (B11)", async () => {
    const pool = open();
    const work = pool.transaction(never, async (transaction) => {
      const [{ pid } = { pid: 0 }] = await transaction.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await one(owner, `SELECT pg_terminate_backend(${pid})`);
      await transaction.query("SELECT 1");
    });
    await expect(work).rejects.toThrow(ConnectionError);
    expect(await backend(pool)).toBeGreaterThan(0);
  });

  it("takes another connection when the old ones were lost unnoticed", async () => {
    await using proxy = await createTcpProxy({ target: database.url });
    const pool = open({ url: proxy.url(database.url) });
    await Promise.all([backend(pool), backend(pool), backend(pool)]);
    proxy.cutAll();
    expect(await backend(pool)).toBeGreaterThan(0);
  });

  it("fails fast while there is no server, gives up on one that is silent, and comes back by itself", async () => {
    await using proxy = await createTcpProxy({ target: database.url });
    const pool = open({ url: proxy.url(database.url), connectTimeoutMs: 200 });
    await proxy.set({ kind: "refuse" });
    await expect(backend(pool)).rejects.toThrow(ConnectionError);
    await proxy.set({ kind: "hang" });
    await expect(backend(pool)).rejects.toThrow(ConnectionError);
    const short = pool.transaction({ ...never, timeoutMs: 20 }, async () => {});
    await expect(short).rejects.toThrow(StatementTimeoutError);
    await proxy.set({ kind: "pass" });
    expect(await backend(pool)).toBeGreaterThan(0);
  });

  it("gives up a connection that falls silent in the middle, at the caller's limit", async () => {
    await using proxy = await createTcpProxy({ target: database.url });
    const pool = open({ url: proxy.url(database.url), maxConnections: 1 });
    const silent = pool.transaction({ ...never, timeoutMs: 1_000 }, async (transaction) => {
      await transaction.query("SELECT 1");
      await proxy.set({ kind: "hang" });
      await transaction.query("SELECT 2");
    });
    await expect(silent).rejects.toThrow(StatementTimeoutError);
    await proxy.set({ kind: "pass" });
    expect(await backend(pool)).toBeGreaterThan(0);
  });

  it("runs one statement at a time, and none once the transaction is over", async () => {
    const pool = open();
    const twoAtOnce = pool.transaction(never, (transaction) =>
      Promise.all([transaction.query("SELECT 1"), transaction.query("SELECT 2")]),
    );
    await expect(twoAtOnce).rejects.toThrow("one statement at a time");
    const late = await pool.transaction(never, async (transaction) => transaction);
    await expect(late.query("SELECT 1")).rejects.toThrow("over");
  });

  it("waits for what runs when it is closed, and then takes nothing more", async () => {
    const pool = open();
    const work = one<{ n: number }>(pool, "SELECT 1 AS n, pg_sleep(.2)");
    await eventually(async () => expect(await running()).toBe(1));
    await pool.close();
    expect(await work).toMatchObject({ n: 1 });
    await expect(backend(pool)).rejects.toThrow(ConnectionError);
  });

  it("cuts off what does not end when it is closed", async () => {
    const pool = open();
    const work = one(pool, "SELECT pg_sleep(60)");
    const outcome = expect(work).rejects.toThrow(ConnectionError);
    await eventually(async () => expect(await running()).toBe(1));
    await pool.close({ limitMs: 50 });
    await outcome;
    await eventually(async () => expect(await running()).toBe(0));
  });
});
