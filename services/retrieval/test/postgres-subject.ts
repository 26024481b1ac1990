import { randomUUID } from "node:crypto";
import { createPool, migrate, type Pool, type PoolOptions } from "@quartet/postgres";
import type { TestDatabase, TestPostgres } from "@quartet/testing";
import { terms } from "@quartet/text";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { roles, schema } from "../src/adapters/postgres/schema.ts";
import type { Hit, KeywordIndex } from "../src/domain/keyword-index.ts";
import { passageContent } from "../src/domain/passage-content.ts";
import type { Stores } from "../src/domain/stores.ts";
import { never, type Subject } from "./contract/subject.ts";

/** A space for tests that need any, and a vector of it. */
export const space = {
  id: "a".repeat(16),
  dimensions: 4,
  kind: "semantic",
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: "m",
} as const;
export const vector = { kind: "float32", values: Float32Array.of(1, 0, 0, 0) } as const;

/** A database of its own with the schema of the service in it. */
export interface TestRecord extends AsyncDisposable {
  readonly url: string;
  /** As a superuser, who is above row-level security. */
  readonly owner: Pool;
  /** As the service. */
  openPool(options?: Partial<PoolOptions>): Pool;
  /** Deletes all rows of all tenants. */
  empty(): Promise<void>;
}

/** `ordinary`: the owner of the tables is no superuser, and the service logs in with a role of its own. */
export async function createTestRecord(
  postgres: TestPostgres,
  { logins = "superuser" }: { readonly logins?: "superuser" | "ordinary" } = {},
): Promise<TestRecord> {
  const database = await postgres.createDatabase();
  const admin = createPool({ url: database.url, schema: schema.name, applicationName: "quartet tests" });
  const { owner, service, drop } =
    logins === "superuser"
      ? { owner: database.url, service: database.url, drop: async () => {} }
      : await createLogins(postgres, admin, database);
  await migrate({ url: owner, schema, ...never });
  const pools = [admin];
  return {
    url: service,
    owner: admin,
    openPool: (options) => {
      const pool = createPool({
        url: service,
        schema: schema.name,
        role: roles.service,
        applicationName: "quartet tests",
        ...options,
      });
      pools.push(pool);
      return pool;
    },
    empty: async () =>
      void (await execute(admin, "TRUNCATE collection, outbox, graph, graph_name, graph_entity, graph_found CASCADE")),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(pools.map((pool) => pool.close()));
      await database.drop();
      await drop();
    },
  };
}

const execute = (pool: Pool, sql: string) => pool.transaction(never, (transaction) => transaction.execute(sql));

/** What an administrator prepares where nobody who works with the database is a superuser. */
async function createLogins(postgres: TestPostgres, admin: Pool, { name, url }: TestDatabase) {
  // The roles are there from the first migration of the server on.
  await using other = await postgres.createDatabase();
  await migrate({ url: other.url, schema, ...never });
  const [owner, service] = [`${name}_owner`, `${name}_service`];
  const password = randomUUID();
  await execute(
    admin,
    `CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD '${password}'; CREATE ROLE ${service} LOGIN PASSWORD '${password}';
     GRANT ${schema.roles.join(", ")} TO ${owner}, ${service};
     ALTER DATABASE ${name} OWNER TO ${owner}; CREATE EXTENSION vector SCHEMA public`,
  );
  const urlOf = (user: string) => Object.assign(new URL(url), { username: user, password }).href;
  return {
    owner: urlOf(owner),
    service: urlOf(service),
    drop: async () => {
      const server = createPool({ url: postgres.url, applicationName: "quartet tests" });
      await execute(server, `DROP ROLE ${owner}, ${service}`);
      await server.close();
    },
  };
}

/** The record of that database as a subject of the contract suites, emptied; what is not PostgreSQL's comes from `others`. */
export async function openRecord(
  record: TestRecord,
  others: (pool: Pool) => Omit<Stores, "records">,
): Promise<Subject> {
  await record.empty();
  const open = () => {
    const pool = record.openPool();
    const stores = { records: createRecordStore({ pool, projected: false }), ...others(pool) };
    return { pool, stores };
  };
  let opened = open();
  return {
    stores: opened.stores,
    reopen: async () => {
      await opened.pool.close();
      opened = open();
      return opened.stores;
    },
    close: () => opened.pool.close(),
  };
}

/** Finds passages by going through all of them: what the record's suite needs of a keyword index, where there is no engine. */
export function createPlainKeywords(pool: Pool): KeywordIndex {
  return {
    search: async (tenant, { text, limit }, { signal }) => {
      const rows = await pool.transaction({ tenant, signal }, (transaction) =>
        transaction.query<{
          id: number;
          document_id: string;
          ordinal: number;
          title: string;
          headings: string[];
          text: string;
        }>(
          `SELECT p.id, d.document_id, p.ordinal, d.title, p.headings, p.text FROM passage p JOIN document d ON d.id = p.document
           ORDER BY d.document_id, p.ordinal`,
        ),
      );
      const wanted = new Set(terms(text));
      const hits = rows.map((row): Hit => {
        const score = terms(passageContent(row)).filter((term) => wanted.has(term)).length;
        return { passageId: row.id, documentId: row.document_id, ordinal: row.ordinal, score };
      });
      return { hits: hits.filter(({ score }) => score > 0).slice(0, limit) };
    },
  };
}
