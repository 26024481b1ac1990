import { uniqueName } from "./unique-name.ts";

/** A PostgreSQL server with pgvector that tests may fill. */
export interface TestPostgres {
  /** Connects to the server's own database as its superuser. */
  readonly url: string;
  /** Makes an empty database; whoever made it drops it, with `await using` or by `drop`. */
  createDatabase(): Promise<TestDatabase>;
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** Connects to this database as the server's superuser. */
  readonly url: string;
  /** Drops it, whoever is still connected; a second call does nothing. */
  drop(): Promise<void>;
}

/** No test waits longer for the server itself. */
const LIMIT_MS = 20_000;

export function createTestPostgres(url: string): TestPostgres {
  return {
    url,
    async createDatabase() {
      const name = uniqueName("_");
      await execute(url, `create database ${name}`);
      const drop = once(() => execute(url, `drop database if exists ${name} with (force)`));
      return { name, url: withDatabase(url, name), drop, [Symbol.asyncDispose]: drop };
    },
  };
}

function withDatabase(url: string, name: string): string {
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
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
