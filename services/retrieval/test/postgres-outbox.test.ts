import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createPool, type Pool } from "@quartet/postgres";
import { describeWithStores } from "@quartet/testing/jest";
import { createOutbox } from "../src/adapters/postgres/outbox.ts";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { roles, schema } from "../src/adapters/postgres/schema.ts";
import type { ChangeBatch, Outbox, OutboxCursor } from "../src/domain/outbox.ts";
import type { RecordStore } from "../src/domain/record-store.ts";
import { cutDocument, never } from "./contract/subject.ts";
import { createTestRecord, type TestRecord } from "./postgres-subject.ts";

const limits = { maxDocuments: 100, maxTextBytes: 1_000_000 };

describeWithStores("the outbox in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  const pools: Pool[] = [];
  let records: RecordStore;
  let outbox: Outbox;
  let other: Outbox;
  const openPool = (applicationName: string) => {
    const pool = createPool({ url: record.url, schema: schema.name, role: roles.projector, applicationName });
    pools.push(pool);
    return pool;
  };
  beforeAll(async () => {
    record = await createTestRecord(postgres);
  });
  beforeEach(async () => {
    await record.empty();
    const pool = record.openPool();
    pools.push(pool);
    records = createRecordStore({ pool, projected: true });
    outbox = createOutbox({ pool: openPool("first") });
    other = createOutbox({ pool: openPool("second") });
    await outbox.setIndexes(["one"], never);
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });
  afterAll(async () => record[Symbol.asyncDispose]());

  const put = async (id: string, text = id, tenant = "t") => {
    const { results } = await records.putDocuments(tenant, [cutDocument(id, { text })], never);
    for (const result of results) if (result.outcome === "failed") throw result.error;
  };
  const remove = (id: string) => records.deleteDocuments("t", [id], never);
  const next = async (from = outbox, more: Partial<typeof limits> = {}) =>
    (await from.next({ ...limits, ...more }, never)) as ChangeBatch;
  const idsOf = ({ changes }: ChangeBatch) => changes.map(({ documentId }) => documentId);
  const states = async (tenant = "t") =>
    (await records.collections(tenant, never)).map(({ state: { recordSeq, projectedSeq } }) => [
      recordSeq,
      projectedSeq,
    ]);

  it("gives the oldest first, each document once as it is now, over all tenants", async () => {
    await put("가", "옛 글");
    await put("b");
    await put("c", "other", "u");
    await put("가", "새 글");
    const batch = await next();
    expect(batch.indexes).toEqual(["one"]);
    expect(batch.changes).toMatchObject([
      { tenant: "t", documentId: "가", current: { document: { version: 2, collection: "default" } } },
      { tenant: "t", documentId: "b", removedPassageIds: [] },
      {
        tenant: "u",
        documentId: "c",
        current: { passages: [{ ordinal: 0, startOffset: 0, text: "other", headings: [] }] },
      },
    ]);
    const [changed] = batch.changes;
    expect(changed!.current!.passages).toMatchObject([{ text: "새 글", endOffset: 3 }]);
    expect(changed!.removedPassageIds).toHaveLength(1);
    expect(changed!.removedPassageIds).not.toContain(changed!.current!.passages[0]!.id);
    expect(changed!.seq).toBeGreaterThan(batch.changes[2]!.seq);
    await batch.complete(never);
    const rest = await next();
    expect(rest.changes).toEqual([]);
    await rest.release();
  });

  it("ends a batch at so many documents, or bytes of text, and has at least one", async () => {
    for (const id of ["a", "b", "c", "d"]) await put(id, id.repeat(100));
    for (const [more, ids] of [
      [{ maxDocuments: 3 }, ["a", "b", "c"]],
      [{ maxTextBytes: 250 }, ["a", "b"]],
      [{ maxTextBytes: 1 }, ["a"]],
    ] as const) {
      const batch = await next(outbox, more);
      expect(idsOf(batch)).toEqual(ids);
      await batch.release();
    }
  });

  it("moves projectedSeq to just before the oldest change that waits", async () => {
    await put("a");
    await put("b");
    expect(await states()).toEqual([[2, 0]]);
    const first = await next(outbox, { maxDocuments: 1 });
    await put("a", "again");
    await first.complete(never);
    expect(await states()).toEqual([[3, 1]]);
    const second = await next(outbox, { maxDocuments: 1 });
    expect(idsOf(second)).toEqual(["b"]);
    await second.complete(never);
    const third = await next();
    expect(third.changes).toMatchObject([{ documentId: "a", current: { passages: [{ text: "again" }] } }]);
    await third.complete(never);
    expect(await states()).toEqual([[3, 3]]);
  });

  it("tells deletions, and what came back after one as newer than it", async () => {
    await put("a");
    await (await next()).complete(never);
    await remove("a");
    const deleted = await next();
    expect(deleted.changes).toMatchObject([{ documentId: "a", current: undefined }]);
    expect(deleted.changes[0]!.removedPassageIds).toHaveLength(1);
    await put("a", "back");
    await deleted.complete(never);
    const back = await next();
    expect(back.changes).toMatchObject([{ documentId: "a", current: { passages: [{ text: "back" }] } }]);
    expect(back.changes[0]!.seq).toBeGreaterThan(deleted.changes[0]!.seq);
    await back.complete(never);
    expect(await states()).toEqual([[3, 3]]);
  });

  it("counts a move for both collections", async () => {
    const inside = (collection: string) => records.putDocuments("t", [cutDocument("a", { collection })], never);
    await inside("old");
    await inside("new");
    expect(await states()).toEqual([
      [1, 0],
      [2, 0],
    ]);
    const batch = await next();
    expect(batch.changes).toMatchObject([{ current: { document: { collection: "new" } } }]);
    await batch.complete(never);
    expect(await states()).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("lets one process work at a time, and the next when that has ended or was cut off", async () => {
    await put("a");
    const batch = await next();
    expect(await other.next(limits, never)).toBeUndefined();
    await batch.release();
    await expect(batch.complete(never)).rejects.toThrow("ended already");
    const taken = await next(other);
    expect(await outbox.next(limits, never)).toBeUndefined();
    await record.owner.transaction(never, async (transaction) => {
      await transaction.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'second'",
      );
    });
    await expect(taken.complete(never)).rejects.toThrow();
    expect(await states()).toEqual([[1, 0]]);
    const again = await eventually(() => outbox.next(limits, never));
    expect(idsOf(again)).toEqual(["a"]);
    await again.complete(never);
    expect(await states()).toEqual([[1, 1]]);
  });

  it("skips no change that commits late with an earlier number", async () => {
    await put("early");
    await (await next()).complete(never);
    const isHeld = Promise.withResolvers<void>();
    const mayCommit = Promise.withResolvers<void>();
    const late = record.owner.transaction(never, async (transaction) => {
      await transaction.execute(
        `INSERT INTO outbox (seq, tenant, document_id, collection_ids, record_seqs, removed_passage_ids)
         SELECT nextval('change_seq'), 't', 'late', ARRAY[id], ARRAY[record_seq + 1], '{}' FROM collection`,
      );
      isHeld.resolve();
      await mayCommit.promise;
      await transaction.execute("UPDATE collection SET record_seq = record_seq + 1");
    });
    await isHeld.promise;
    await put("early", "changed");
    await (await next()).complete(never);
    mayCommit.resolve();
    await late;
    const batch = await next();
    expect(batch.changes).toMatchObject([{ documentId: "late", current: undefined }]);
    await batch.complete(never);
  });

  it("loses nothing and does nothing twice while two write and two project", async () => {
    const seen = new Map<string, number[]>();
    const writing = ["x", "y"].map(async (writer) => {
      for (let turn = 0; turn < 12; turn += 1) {
        const id = `${writer}${turn % 3}`;
        if (turn % 4 === 3) await remove(id);
        else await put(id, `${id} ${turn}`);
      }
    });
    let isWritten = false;
    const projecting = [outbox, other].map(async (each, index) => {
      for (let turn = 0; ; turn += 1) {
        const wasWritten = isWritten;
        const batch = await each.next({ ...limits, maxDocuments: 2 }, never);
        if (batch === undefined) continue;
        if (turn % 3 === index) await batch.release();
        else {
          for (const { documentId, seq } of batch.changes) seen.set(documentId, [...(seen.get(documentId) ?? []), seq]);
          await batch.complete(never);
          if (wasWritten && batch.changes.length === 0) return;
        }
      }
    });
    await Promise.all(writing);
    isWritten = true;
    await Promise.all(projecting);
    for (const seqs of seen.values()) expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right));
    expect([...seen.keys()].sort()).toEqual(["x0", "x1", "x2", "y0", "y1", "y2"]);
    const [[recordSeq, projectedSeq]] = (await states()) as [[number, number]];
    expect(projectedSeq).toBe(recordSeq);
    expect(await outbox.lag(never)).toEqual({ waitingCount: 0, oldestAgeMs: 0 });
  });

  it("pages through all documents of all tenants", async () => {
    for (const id of ["a", "b", "c"]) await put(id, id.repeat(10));
    await put("a", "of u", "u");
    expect(await outbox.documentCount(never)).toBe(4);
    const seen: string[] = [];
    for (let after: OutboxCursor | undefined; ;) {
      const page = await outbox.documents({ after, maxDocuments: 3, maxTextBytes: 25 }, never);
      seen.push(...page.changes.map(({ tenant, documentId }) => `${tenant}/${documentId}`));
      expect(page.changes.every(({ current }) => current!.passages.length === 1)).toBe(true);
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen).toEqual(["t/a", "t/b", "t/c", "u/a"]);
    const batch = await next();
    const listed = await outbox.documents({ after: undefined, ...limits }, never);
    expect(listed.changes).toEqual(batch.changes);
    await batch.release();
  });

  describe("which indexes follow", () => {
    it("changes when the batch that is out has ended", async () => {
      await put("a");
      const batch = await next();
      let isSet = false;
      const setting = other.setIndexes(["one", "two"], never).then(() => (isSet = true));
      expect(await outbox.indexes(never)).toEqual(["one"]);
      expect(isSet).toBe(false);
      await batch.complete(never);
      await setting;
      const following = await next();
      expect(following.indexes).toEqual(["one", "two"]);
      await following.release();
    });

    it("is never told to a batch as it was before it changed", async () => {
      const ended = new AbortController();
      const changing = (async () => {
        for (let index = 0; !ended.signal.aborted; index += 1) await outbox.setIndexes([`i${index}`], never);
      })();
      const readers = [other, createOutbox({ pool: openPool("third") }), createOutbox({ pool: openPool("fourth") })];
      let seen = 0;
      const reading = readers.map(async (reader) => {
        while (!ended.signal.aborted) {
          const batch = await reader.next(limits, never);
          if (batch === undefined) continue;
          try {
            // Nobody changes it while the batch is out.
            expect(batch.indexes).toEqual(await outbox.indexes(never));
          } finally {
            await batch.release();
          }
          if ((seen += 1) === 300) ended.abort();
        }
      });
      try {
        await Promise.all(reading);
      } finally {
        ended.abort();
        await Promise.all([changing, ...reading]);
      }
    }, 60_000);

    it("is waited for no longer than the caller does", async () => {
      const batch = await next();
      const caller = new AbortController();
      const setting = other.setIndexes([], caller);
      caller.abort(new Error("left"));
      await expect(setting).rejects.toThrow("left");
      await batch.release();
      expect(await outbox.indexes(never)).toEqual(["one"]);
    });

    it("is nothing to work for when there is none", async () => {
      await outbox.setIndexes([], never);
      expect(await outbox.next(limits, never)).toBeUndefined();
    });
  });

  it("tells how many changes wait, and since when", async () => {
    await put("a");
    await put("a", "again");
    const lag = await outbox.lag(never);
    expect(lag.waitingCount).toBe(2);
    expect(lag.oldestAgeMs).toBeGreaterThan(0);
  });

  it("ends when told to", async () => {
    const signal = AbortSignal.abort(new Error("left"));
    await expect(outbox.next(limits, { signal })).rejects.toThrow("left");
    await expect(outbox.documents({ after: undefined, ...limits }, { signal })).rejects.toThrow("left");
  });
});

/** The server needs a moment to see that a connection is gone. */
async function eventually<Value>(read: () => Promise<Value | undefined>): Promise<Value> {
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
