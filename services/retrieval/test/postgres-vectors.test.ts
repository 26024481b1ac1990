import { afterAll, beforeAll } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { createVectorIndex } from "../src/adapters/postgres/vector-index.ts";
import { vectorIndexContract } from "./contract/vector-index.ts";
import { createPlainKeywords, createTestRecord, openRecord, type TestRecord } from "./postgres-subject.ts";

describeWithStores("vectors in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  beforeAll(async () => {
    record = await createTestRecord(postgres);
  });
  afterAll(async () => record[Symbol.asyncDispose]());
  const open = () =>
    openRecord(record, (pool) => ({ keywords: createPlainKeywords(pool), vectors: createVectorIndex({ pool }) }));

  vectorIndexContract("PostgreSQL", open);
});
