import { uniqueName } from "./unique-name.ts";

/** A PostgreSQL server with pgvector that tests may fill. */
export interface TestPostgres {
  /** Connects to the server's own database as its superuser. */
  readonly url: string;
  /** Makes an empty database; whoever made it drops it, with `await using` or by `drop`. */
  createDatabase(options?: DatabaseOptions): Promise<TestDatabase>;
}

export interface DatabaseOptions {
  /** Connects as another superuser, of this password, who is dropped with the database. Default: as the server's own. */
  readonly password?: string;
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** Connects to this database as a superuser. */
  readonly url: string;
  /** Drops it, whoever is still connected; a second call does nothing. */
  drop(): Promise<void>;
}

/** No test waits longer for the server itself. */
const LIMIT_MS = 20_000;

export function createTestPostgres(url: string): TestPostgres {
  return {
    url,
    async createDatabase({ password } = {}) {
      const name = uniqueName("_");
      await execute(url, `create database ${name}`);
      if (password !== undefined) await execute(url, `create role ${name} superuser login password '${password}'`);
      const drop = once(async () => {
        await execute(url, `drop database if exists ${name} with (force)`);
        await execute(url, `drop role if exists ${name}`);
      });
      const own = new URL(url);
      own.pathname = `/${name}`;
      if (password !== undefined) Object.assign(own, { username: name, password });
      return { name, url: own.href, drop, [Symbol.asyncDispose]: drop };
    },
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const { Client } = (await import("pg")).default;
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: LIMIT_MS,
    query_timeout: LIMIT_MS,
    application_name: "quartet tests",
  });
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= run());
}
