import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { type Pool, PostgresError, type Transaction } from "@quartet/postgres";
import { describeWithStores } from "@quartet/testing/jest";
import { createGraphIndex } from "../src/adapters/postgres/graph-index.ts";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { schema } from "../src/adapters/postgres/schema.ts";
import { createVectorIndex } from "../src/adapters/postgres/vector-index.ts";
import { sha256 } from "../src/domain/passage-content.ts";
import type { Stores } from "../src/domain/stores.ts";
import { recordStoreContract } from "./contract/record-store.ts";
import { cutDocument, never, put } from "./contract/subject.ts";
import { vectorIndexContract } from "./contract/vector-index.ts";
import {
  createPlainKeywords,
  createTestRecord,
  openRecord,
  space,
  type TestRecord,
  vector,
} from "./postgres-subject.ts";

/** The service's own statements without their condition on the tenant; `tenant: undefined` names none in the transaction either. */
function withoutTenants(pool: Pool, { keepSetting }: { readonly keepSetting: boolean }): Pool {
  const strip = (sql: string) => sql.replaceAll(/\b(?:\w+\.)?tenant = (\$\d+)/g, "$1::text IS NOT NULL");
  const stripped = (statement: Parameters<Transaction["query"]>[0]) =>
    typeof statement === "string"
      ? strip(statement)
      : { ...statement, name: `bare-${statement.name}`, text: strip(statement.text) };
  return {
    ...pool,
    transaction: ({ tenant, ...options }, work) =>
      pool.transaction({ ...options, ...(keepSetting && tenant !== undefined ? { tenant } : {}) }, (transaction) =>
        work({
          query: (statement, values) => transaction.query(stripped(statement), values),
          execute: (statement, values) => transaction.execute(stripped(statement), values),
        }),
      ),
  };
}

/** Everything that the stores tell a tenant, called as tenant u. */
async function everything(
  { records, vectors, graph }: Pick<Stores, "records" | "vectors" | "graph">,
  passageIds: readonly number[],
) {
  const named = { text: "비밀", collections: ["default"], filter: undefined, limit: 10 };
  const query = { filter: undefined, afterId: undefined, limit: 100, maxTextBytes: 1_000 };
  const search = { vector, spaceId: space.id, collections: ["default"], filter: undefined, limit: 10 };
  const missing = { collection: "default", spaceId: "b".repeat(16), documentIds: [], afterPassageId: 0, limit: 10 };
  return {
    documents: (await records.listDocuments("u", query, never)).documents.length,
    versions: (await records.versions("u", ["a"], never)).size,
    collections: (await records.collections("u", never)).length,
    passages: (await records.passages("u", passageIds, never)).size,
    found: (await vectors.search("u", search, never)).hits.length,
    missing: (await vectors.missing("u", missing, never)).contents.length,
    linked: (await graph!.search("u", named, never)).hits.length,
    version: await graph!.version("u", never),
    forgotten: await graph!.deleteEntities("u", ["비밀"], never),
    deleted: await records.deleteDocuments("u", ["a"], never),
  };
}

const nothing = {
  ...{ documents: 0, versions: 0, collections: 0, passages: 0, found: 0, missing: 0, deleted: 0 },
  ...{ linked: 0, version: 0, forgotten: 0 },
};
const storesOn = (pool: Pool) => ({
  records: createRecordStore({ pool, projected: true }),
  vectors: createVectorIndex({ pool }),
  graph: createGraphIndex({ pool }),
});

describeWithStores("tenants in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  let passageIds: number[];
  beforeAll(async () => {
    record = await createTestRecord(postgres);
    const stores = { ...storesOn(record.openPool()), keywords: createPlainKeywords(record.owner) };
    await put(stores, "t", cutDocument("a", { text: "비밀", tags: ["x"] }));
    await stores.vectors.put("t", "default", space, [{ contentHash: sha256("비밀"), vector }], never);
    const entities = [{ id: "비밀", name: "비밀", kind: "", aliases: [] }];
    const mentions = [{ entityId: "비밀", documentId: "a", span: undefined }];
    await stores.graph.put("t", { entities, relations: [], mentions }, never);
    const rows = await record.owner.transaction(never, (transaction) =>
      transaction.query<{ id: number }>("SELECT id FROM passage"),
    );
    passageIds = rows.map(({ id }) => id);
  });
  afterAll(async () => record[Symbol.asyncDispose]());

  const count = async (table: string, as: Pool = record.owner, tenant?: string) => {
    const options = { ...never, ...(tenant === undefined ? {} : { tenant }) };
    const rows = await as.transaction(options, (transaction) =>
      transaction.query<{ count: number }>(`SELECT count(*) AS count FROM ${table}`),
    );
    return rows[0]!.count;
  };
  const tables = async () => {
    const sql = `SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, pg_get_userbyid(c.relowner) AS owner,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant') AS of_tenants
      FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1`;
    const transaction = (work: (transaction: Transaction) => Promise<readonly TableRow[]>) =>
      record.owner.transaction(never, work);
    return transaction((each) => each.query<TableRow>(sql, [schema.name]));
  };

  it("are told apart by the database itself: the service's statements without their own condition give nothing of another", async () => {
    const bare = withoutTenants(record.openPool(), { keepSetting: true });
    expect(await everything(storesOn(bare), passageIds)).toEqual(nothing);
    const unset = withoutTenants(record.openPool(), { keepSetting: false });
    expect(await everything(storesOn(unset), passageIds)).toEqual(nothing);
    expect(await count("document")).toBe(1);
  });

  it("would not be by the statements alone: the same ones as the owner, who is above it, give what is another's", async () => {
    const owner = withoutTenants(record.owner, { keepSetting: true });
    const seen = await everything(readOnly(storesOn(owner)), passageIds);
    expect(seen).toMatchObject({ documents: 1, versions: 1, collections: 1, passages: 1, linked: 1 });
  });

  it("see nothing at all in any table while none is named, and cannot write for another", async () => {
    const service = record.openPool();
    const ofTenants = (await tables()).filter(({ of_tenants }) => of_tenants).map(({ name }) => name);
    expect(ofTenants).toEqual(
      expect.arrayContaining([
        "collection",
        "document",
        "document_text",
        "passage",
        "outbox",
        "space",
        "vector_4",
        "graph_found",
      ]),
    );
    for (const table of ofTenants) {
      expect([table, await count(table, service)]).toEqual([table, 0]);
      expect([table, await count(table, service, "u")]).toEqual([table, 0]);
    }
    const write = service.transaction({ ...never, tenant: "u" }, (transaction) =>
      transaction.execute("INSERT INTO collection (tenant, name) VALUES ('t', 'stolen')"),
    );
    await expect(write).rejects.toMatchObject({ sqlState: "42501" });
  });

  it("are protected in every table, by force, from roles that own nothing and are above nothing", async () => {
    for (const table of await tables()) {
      expect(table).toMatchObject({ owner: expect.not.stringMatching(/^quartet_/) });
      if (table.of_tenants) expect(table).toMatchObject({ enabled: true, forced: true });
    }
    const sql =
      "SELECT rolname, rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole OR rolcreatedb AS may FROM pg_roles WHERE rolname = ANY ($1)";
    const found = await record.owner.transaction(never, (transaction) => transaction.query(sql, [schema.roles]));
    expect(found).toEqual(expect.arrayContaining(schema.roles.map((rolname) => ({ rolname, may: false }))));
  });

  it("cannot take a right that is not theirs", async () => {
    const service = record.openPool();
    const attempts = [
      "ALTER TABLE document DISABLE ROW LEVEL SECURITY",
      "CREATE TABLE mine (id int)",
      "DROP POLICY own ON document",
      "CREATE ROLE quartet_thief SUPERUSER",
      "TRUNCATE document CASCADE",
      "DELETE FROM migration",
      "DELETE FROM outbox",
    ];
    for (const sql of attempts) {
      const attempt = service.transaction({ ...never, tenant: "u" }, (transaction) => transaction.execute(sql));
      await expect(attempt).rejects.toThrow(PostgresError);
      await expect(attempt).rejects.toMatchObject({ sqlState: "42501" });
    }
  });

  it("do not carry over on a pooled connection, also after a failed transaction", async () => {
    const pool = record.openPool({ maxConnections: 1 });
    const { records } = storesOn(pool);
    expect((await records.versions("t", ["a"], never)).size).toBe(1);
    const failing = pool.transaction({ ...never, tenant: "t" }, (transaction) => transaction.query("SELECT 1 / 0"));
    await expect(failing).rejects.toThrow(PostgresError);
    const left = pool.transaction({ signal: AbortSignal.timeout(50), tenant: "t" }, (transaction) =>
      transaction.query("SELECT pg_sleep(60)"),
    );
    await expect(left).rejects.toThrow();
    expect(await count("document", pool)).toBe(0);
    expect(await everything(storesOn(pool), passageIds)).toEqual(nothing);
  });
});

interface TableRow {
  readonly name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly owner: string;
  readonly of_tenants: boolean;
}

const readOnly = ({ records, graph, ...rest }: ReturnType<typeof storesOn>): ReturnType<typeof storesOn> => ({
  ...rest,
  records: { ...records, deleteDocuments: async () => 0 },
  graph: { ...graph, deleteEntities: async () => 0 },
});

/** As managed databases have it: the owner is no superuser, and the service logs in with less still. */
describeWithStores("PostgreSQL with ordinary logins", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  beforeAll(async () => {
    record = await createTestRecord(postgres, { logins: "ordinary" });
  });
  afterAll(async () => record[Symbol.asyncDispose]());
  const open = () =>
    openRecord(record, (pool) => ({ keywords: createPlainKeywords(pool), vectors: createVectorIndex({ pool }) }));

  recordStoreContract("PostgreSQL, ordinary logins", open);
  vectorIndexContract("PostgreSQL, ordinary logins", open);
});
