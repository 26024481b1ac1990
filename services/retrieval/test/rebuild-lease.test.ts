import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Pool } from "@quartet/postgres";
import { pause } from "@quartet/resilience";
import { describeWithStores } from "@quartet/testing/jest";
import { createRebuildLease } from "../src/adapters/postgres/rebuild-lease.ts";
import { roles } from "../src/adapters/postgres/schema.ts";
import { never } from "./contract/subject.ts";
import { createTestRecord, type TestRecord } from "./postgres-subject.ts";

describeWithStores("the lease of a rebuild, in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  let pool: Pool;
  beforeAll(async () => {
    record = await createTestRecord(postgres);
    pool = record.openPool({ role: roles.projector });
  });
  afterAll(async () => record[Symbol.asyncDispose]());

  it("is held by one process, for as long as the work goes on", async () => {
    const [first, second] = [createRebuildLease({ pool, everyMs: 5 }), createRebuildLease({ pool: record.openPool() })];
    const ran = await first.tryRun(async (signal) => {
      expect(await second.tryRun(async () => "both", never)).toBeUndefined();
      // Several times over what it says to keep the transaction.
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(signal.aborted).toBe(false);
      return "done";
    }, never);
    expect(ran).toEqual({ result: "done" });
    expect(await second.tryRun(async () => "after", never)).toEqual({ result: "after" });
  });

  it("is held until stopped work has gone back, and told on with what it failed with", async () => {
    const lease = createRebuildLease({ pool });
    const leaving = new AbortController();
    const work = lease.tryRun(async (signal) => {
      leaving.abort(new Error("left"));
      expect(signal.aborted).toBe(true);
      expect(await createRebuildLease({ pool: record.openPool() }).tryRun(async () => "both", never)).toBeUndefined();
      throw signal.reason;
    }, leaving);
    await expect(work).rejects.toThrow("left");
    expect(await lease.tryRun(async () => "after", never)).toEqual({ result: "after" });
  });

  it("ends the work when its connection is lost", async () => {
    const lease = createRebuildLease({ pool, everyMs: 5 });
    const work = lease.tryRun(async (signal) => {
      await record.owner.transaction(never, (transaction) =>
        transaction.query(
          "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ),
      );
      await pause(2 ** 30, signal);
    }, never);
    await expect(work).rejects.toThrow();
  });
});
