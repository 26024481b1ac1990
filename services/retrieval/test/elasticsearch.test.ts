import { describeWithStores } from "@quartet/testing/jest";
import { createElasticsearch } from "../src/adapters/elasticsearch/open.ts";
import { projectOnce } from "../src/domain/projector.ts";
import { restoreIndex } from "../src/domain/rebuild.ts";
import type { RecordStore } from "../src/domain/record-store.ts";
import { filterContract } from "./contract/filter.ts";
import { keywordIndexContract } from "./contract/keyword-index.ts";
import { never, type Subject } from "./contract/subject.ts";
import { createMemoryRecord } from "./memory-record.ts";

describeWithStores("Elasticsearch", ["elasticsearch"], ({ elasticsearch }) => {
  /** A record in memory whose changes are in the index before the call that makes them ends. */
  async function openSubject(): Promise<Subject> {
    const { prefix, url, drop } = elasticsearch.createPrefix();
    const store = createElasticsearch({ url, indexPrefix: prefix, replicas: 0 });
    const { records, outbox, lease } = createMemoryRecord();
    const parts = { outbox, lease, writer: store.writer };
    await restoreIndex(parts, never);
    const settled = async <Result>(result: Promise<Result>): Promise<Result> => {
      await result;
      while ((await projectOnce(parts, never)) > 0);
      return result;
    };
    const settling: RecordStore = {
      ...records,
      putDocuments: (...given) => settled(records.putDocuments(...given)),
      deleteDocuments: (...given) => settled(records.deleteDocuments(...given)),
    };
    const vectors = undefined as never;
    const stores = { records: settling, keywords: store.keywords, projection: store.projection, vectors };
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
  filterContract("Elasticsearch", openSubject, ["keywords"]);
});
