import { afterAll, beforeAll } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import type { VectorIndex } from "../src/domain/vector-index.ts";
import { filterContract } from "./contract/filter.ts";
import { recordStoreContract } from "./contract/record-store.ts";
import { createPlainKeywords, createTestRecord, openRecord, type TestRecord } from "./postgres-subject.ts";

describeWithStores("PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  beforeAll(async () => {
    record = await createTestRecord(postgres);
  });
  afterAll(async () => record[Symbol.asyncDispose]());
  const open = () =>
    openRecord(record, (pool) => ({ keywords: createPlainKeywords(pool), vectors: {} as VectorIndex }));

  recordStoreContract("PostgreSQL", open);
  filterContract("PostgreSQL", open, ["record"]);
});
