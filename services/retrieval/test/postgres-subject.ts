import { createPool, migrate, type Pool } from "@quartet/postgres";
import type { TestPostgres } from "@quartet/testing";
import { terms } from "@quartet/text";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { roles, schema } from "../src/adapters/postgres/schema.ts";
import type { Hit, KeywordIndex } from "../src/domain/keyword-index.ts";
import { passageContent } from "../src/domain/passage-content.ts";
import type { Stores } from "../src/domain/stores.ts";
import { never, type Subject } from "./contract/subject.ts";

/** A database of its own with the schema of the service in it. */
export interface TestRecord extends AsyncDisposable {
  readonly url: string;
  /** As its owner, who is above row-level security. */
  readonly owner: Pool;
  /** As the service. */
  openPool(options?: { readonly maxConnections?: number }): Pool;
  /** Deletes all rows of all tenants. */
  empty(): Promise<void>;
}

export async function createTestRecord(postgres: TestPostgres): Promise<TestRecord> {
  const database = await postgres.createDatabase();
  const { url } = database;
  await migrate({ url, schema, ...never });
  const owner = createPool({ url, schema: schema.name, applicationName: "quartet tests" });
  const pools = [owner];
  return {
    url,
    owner,
    openPool: (options) => {
      const pool = createPool({
        url,
        schema: schema.name,
        role: roles.service,
        applicationName: "quartet tests",
        ...options,
      });
      pools.push(pool);
      return pool;
    },
    empty: () =>
      owner.transaction(
        never,
        async (transaction) => void (await transaction.execute("TRUNCATE collection, outbox CASCADE")),
      ),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(pools.map((pool) => pool.close()));
      await database.drop();
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
