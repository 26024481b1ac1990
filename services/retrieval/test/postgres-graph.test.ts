import { afterAll, beforeAll } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { createLogger } from "@quartet/telemetry";
import { createGraphIndex } from "../src/adapters/postgres/graph-index.ts";
import { createGraphKeeper } from "../src/adapters/postgres/graph-keeper.ts";
import { roles } from "../src/adapters/postgres/schema.ts";
import type { VectorIndex } from "../src/domain/vector-index.ts";
import { graphIndexContract } from "./contract/graph-index.ts";
import { never } from "./contract/subject.ts";
import { createPlainKeywords, createTestRecord, openRecord, type TestRecord } from "./postgres-subject.ts";

describeWithStores("the graph in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  beforeAll(async () => {
    record = await createTestRecord(postgres, { logins: "ordinary" });
  });
  afterAll(async () => record[Symbol.asyncDispose]());

  graphIndexContract("PostgreSQL", async () => {
    const subject = await openRecord(record, (pool) => ({
      keywords: createPlainKeywords(pool),
      vectors: {} as VectorIndex,
      graph: createGraphIndex({ pool, rememberMs: 0 }),
    }));
    const log = createLogger({ service: "retrieval", destination: { write: () => {} } });
    const keeper = createGraphKeeper({
      pool: record.openPool(),
      everyTenant: record.openPool({ role: roles.projector }),
      log,
      passagesAtOnce: 7,
    });
    return { ...subject, settle: async () => void (await keeper.tend(never.signal)) };
  });
});
