import { afterAll, beforeAll } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { createElasticsearch } from "../src/adapters/elasticsearch/open.ts";
import { createOutbox } from "../src/adapters/postgres/outbox.ts";
import { createRebuildLease } from "../src/adapters/postgres/rebuild-lease.ts";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { roles } from "../src/adapters/postgres/schema.ts";
import { projectOnce } from "../src/domain/projector.ts";
import { type RebuildParts, restoreIndex } from "../src/domain/rebuild.ts";
import type { RecordStore } from "../src/domain/record-store.ts";
import { filterContract } from "./contract/filter.ts";
import { keywordIndexContract } from "./contract/keyword-index.ts";
import { keywordPartsContract } from "./contract/ranking-parts.ts";
import { recordStoreContract } from "./contract/record-store.ts";
import { never, type Subject } from "./contract/subject.ts";
import { createMemoryRecord } from "./memory-record.ts";
import { createTestRecord, type TestRecord } from "./postgres-subject.ts";

const vectors = undefined as never;

/** The record, with its changes in the index before the call that makes them ends. */
function settling(records: RecordStore, parts: Pick<RebuildParts, "outbox" | "writer">): RecordStore {
  const settle = async () => {
    while ((await projectOnce(parts, never)) > 0);
  };
  return {
    ...records,
    async putDocuments(tenant, ...given) {
      const { results, collections: before } = await records.putDocuments(tenant, ...given);
      await settle();
      const states = (await records.collections(tenant, never)).map(({ state }) => state);
      const collections = before.map((old) => states.find(({ collection }) => collection === old.collection) ?? old);
      return { results, collections };
    },
    async deleteDocuments(...given) {
      const count = await records.deleteDocuments(...given);
      await settle();
      return count;
    },
  };
}

describeWithStores("Elasticsearch", ["elasticsearch"], ({ elasticsearch }) => {
  async function openSubject(): Promise<Subject> {
    const { prefix, url, drop } = elasticsearch.createPrefix();
    const store = createElasticsearch({ url, indexPrefix: prefix, replicas: 0 });
    const { records, outbox, lease } = createMemoryRecord();
    const parts = { outbox, lease, writer: store.writer };
    await restoreIndex(parts, never);
    const { keywords, projection } = store;
    const stores = { records: settling(records, parts), keywords, projection, vectors };
    return {
      stores,
      reopen: async () => stores,
      close: async () => {
        await store.close();
        await drop();
      },
    };
  }

  keywordIndexContract("Elasticsearch", openSubject);
  keywordPartsContract("Elasticsearch", openSubject);
  filterContract("Elasticsearch", openSubject, ["keywords"]);
});

describeWithStores("PostgreSQL and Elasticsearch", ["postgres", "elasticsearch"], ({ postgres, elasticsearch }) => {
  let record: TestRecord;
  beforeAll(async () => {
    record = await createTestRecord(postgres);
  });
  afterAll(async () => record[Symbol.asyncDispose]());

  async function openSubject(): Promise<Subject> {
    await record.empty();
    const { prefix, url, drop } = elasticsearch.createPrefix();
    const store = createElasticsearch({ url, indexPrefix: prefix, replicas: 0 });
    const pools = [record.openPool(), record.openPool({ role: roles.projector })] as const;
    const parts = {
      writer: store.writer,
      outbox: createOutbox({ pool: pools[1] }),
      lease: createRebuildLease({ pool: pools[1] }),
    };
    await restoreIndex(parts, never);
    const { keywords, projection } = store;
    const records = settling(createRecordStore({ pool: pools[0], projected: true }), parts);
    const stores = { records, keywords, projection, vectors };
    return {
      stores,
      reopen: async () => stores,
      close: async () => {
        await Promise.all([store.close(), ...pools.map((pool) => pool.close())]);
        await drop();
      },
    };
  }

  recordStoreContract("PostgreSQL and Elasticsearch", openSubject);
  keywordIndexContract("PostgreSQL and Elasticsearch", openSubject);
});
