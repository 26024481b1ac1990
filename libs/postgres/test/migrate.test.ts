import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import type { TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { checkSchema, createPool, explain, migrate, type Pool, type Schema, SchemaError } from "../src/index.ts";

describeWithStores("migrations", ["postgres"], ({ postgres }) => {
  const never = { signal: new AbortController().signal };
  const pools: Pool[] = [];
  let database: TestDatabase;
  let folder: string;
  let schema: Schema;

  beforeEach(async () => {
    database = await postgres.createDatabase();
    folder = await mkdtemp(join(tmpdir(), "quartet-migrations-"));
    // One that is there anyway: a role is of the server, and would stay behind.
    const role = "quartet_retrieval";
    schema = { name: "under_test", roles: [role], migrations: pathToFileURL(`${folder}/`), command: "npm run migrate" };
    await add(
      "001_first",
      `CREATE TABLE item (id int); GRANT USAGE ON SCHEMA under_test TO ${role}; GRANT SELECT ON migration TO ${role};`,
    );
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
    await database.drop();
    await rm(folder, { recursive: true });
  });

  const add = (name: string, sql: string) => writeFile(join(folder, `${name}.sql`), sql);
  const run = (url = database.url) => migrate({ url, schema, ...never });
  const check = async (role = schema.roles[0]!) => {
    const pool = createPool({ url: database.url, applicationName: "under test", schema: schema.name, role });
    pools.push(pool);
    await pool.transaction(never, (transaction) => checkSchema(schema, transaction)).catch(explain(schema));
  };

  it("runs each file once, in order, and those that are new later", async () => {
    await add("002_second", "ALTER TABLE item ADD COLUMN name text;");
    expect(await run()).toEqual(["001_first", "002_second"]);
    expect(await run()).toEqual([]);
    await add("010_third", "ALTER TABLE item DROP COLUMN name;");
    expect(await run()).toEqual(["010_third"]);
    await check();
  });

  it("lets several processes try at once, in one database and in several", async () => {
    await using other = await postgres.createDatabase();
    const runs = await Promise.all([run(), run(), run(), run(other.url), run(other.url)]);
    expect(runs.flat()).toEqual(["001_first", "001_first"]);
  });

  it("leaves nothing of a migration that fails", async () => {
    await run();
    await add("002_second", "CREATE TABLE other (id int); SELECT nonsense;");
    await expect(run()).rejects.toThrow(/rolled back.*"nonsense" does not exist/);
    await add("002_second", "CREATE TABLE other (id int);");
    expect(await run()).toEqual(["002_second"]);
  });

  it("says in one line what a service finds that is not what it needs", async () => {
    await expect(check()).rejects.toThrow("no schema under_test yet. Run `npm run migrate`");
    await run();
    await add("002_second", "SELECT 1;");
    await expect(check()).rejects.toThrow(
      "older than this build: its schema under_test lacks 002_second. Run `npm run migrate`",
    );
    await run();
    await rm(join(folder, "002_second.sql"));
    await expect(check()).rejects.toThrow("newer than this build: its schema under_test has 002_second");
    await expect(check("nobody_here")).rejects.toThrow(SchemaError);
  });

  it("refuses a role that row-level security does not hold for", async () => {
    await run();
    const owner = createPool({ url: database.url, applicationName: "under test" });
    pools.push(owner);
    const asOwner = owner.transaction(never, (transaction) => checkSchema(schema, transaction));
    await expect(asOwner).rejects.toThrow("above row-level security");
  });

  it("lets an owner who is no superuser make the roles, and act as them", async () => {
    const owner = `${database.name}_owner`;
    const admin = createPool({ url: database.url, applicationName: "quartet tests" });
    pools.push(admin);
    const execute = (sql: string) => admin.transaction(never, (transaction) => transaction.execute(sql));
    await execute(
      `CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD 'of a test'; ALTER DATABASE ${database.name} OWNER TO ${owner}`,
    );
    const role = `${database.name}_role`;
    schema = { ...schema, roles: [role] };
    await add("001_first", `GRANT USAGE ON SCHEMA under_test TO ${role}; GRANT SELECT ON migration TO ${role};`);
    const url = Object.assign(new URL(database.url), { username: owner, password: "of a test" }).href;
    try {
      expect(await run(url)).toEqual(["001_first"]);
      expect(await run(url)).toEqual([]);
      const service = createPool({ url, applicationName: "under test", schema: schema.name, role });
      await service.transaction(never, (transaction) => checkSchema(schema, transaction));
      await service.close();
    } finally {
      await execute(
        `DROP OWNED BY ${role}; DROP SCHEMA IF EXISTS under_test CASCADE; REASSIGN OWNED BY ${owner} TO CURRENT_USER`,
      );
      await execute(`DROP ROLE ${role}, ${owner}`);
    }
  });

  it("says in one line why it cannot migrate", async () => {
    const nowhere = new URL(database.url);
    nowhere.pathname = "/no_such_database";
    await expect(run(nowhere.href)).rejects.toThrow("has no such database");
    nowhere.port = "1";
    await expect(run(nowhere.href)).rejects.toThrow("cannot be reached");
    await expect(
      migrate({ url: database.url, schema, signal: AbortSignal.abort(new Error("stopped")) }),
    ).rejects.toThrow("stopped");
  });
});
