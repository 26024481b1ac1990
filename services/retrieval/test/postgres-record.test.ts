import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Pool } from "@quartet/postgres";
import { createTcpProxy } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { createVectorIndex } from "../src/adapters/postgres/vector-index.ts";
import type { CutDocument } from "../src/domain/document.ts";
import { sha256 } from "../src/domain/passage-content.ts";
import type { RecordStore } from "../src/domain/record-store.ts";
import { StoreBusyError, StoreTimeoutError, StoreUnavailableError } from "../src/domain/store-errors.ts";
import { cutDocument, never } from "./contract/subject.ts";
import { createTestRecord, space, type TestRecord, vector } from "./postgres-subject.ts";

/** What the record holds, counted anew, and what it says that it holds. */
const inventory = `
  SELECT c.name, c.record_seq, c.document_count, c.passage_count,
    (SELECT count(*) FROM document d WHERE d.collection_id = c.id AND d.collection = c.name AND d.tenant = c.tenant) AS documents,
    (SELECT count(*) FROM passage p WHERE p.collection_id = c.id AND p.tenant = c.tenant) AS passages,
    (SELECT count(*) FROM outbox o WHERE c.id = ANY (o.collection_ids)) AS changes
  FROM collection c ORDER BY c.name`;
/** Documents that are not whole: without their text, or with other passages than they say. */
const broken = `
  SELECT d.document_id FROM document d LEFT JOIN document_text t ON t.document = d.id
  WHERE t.document IS NULL OR octet_length(t.text) <> d.text_bytes
    OR d.passage_count <> (SELECT count(*) FROM passage p WHERE p.document = d.id AND p.collection_id = d.collection_id)`;

type PassageId = readonly [text: string, id: number];

describeWithStores("the record in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  let pool: Pool;
  let records: RecordStore;
  beforeAll(async () => {
    record = await createTestRecord(postgres);
    pool = record.openPool();
    records = createRecordStore({ pool, projected: true });
  });
  beforeEach(() => record.empty());
  afterAll(async () => record[Symbol.asyncDispose]());

  const asOwner = <Row extends object>(sql: string, values: readonly unknown[] = []) =>
    record.owner.transaction(never, (transaction) => transaction.query<Row>(sql, values));
  const long = (id: string, word: string) =>
    cutDocument(id, {
      mediaType: "text/markdown",
      text: ["가", "나"].map((part) => `## ${part}\n\n${`${word} ${part} 이야기. `.repeat(90)}`).join("\n\n"),
    });
  const putAll = (documents: readonly CutDocument[], store = records, signal = never.signal) =>
    store.putDocuments("t", documents, { signal });

  const expectWhole = async () => {
    expect(await asOwner(broken)).toEqual([]);
    const collections = await asOwner<Record<string, number>>(inventory);
    for (const collection of collections) {
      expect(collection).toMatchObject({
        document_count: collection["documents"],
        passage_count: collection["passages"],
      });
      // Vectors in the active space are changes too, and none that the keyword index has to follow.
      expect(collection["record_seq"]).toBeGreaterThanOrEqual(collection["changes"]!);
    }
  };

  it("keeps its counts, and the order of each document's changes, with many writers at once", async () => {
    const ids = ["a", "b", "c", "d"];
    const writer = async (seed: number) => {
      for (let round = 0; round < 6; round += 1) {
        const turn = seed + round;
        if (turn % 4 === 3) await records.deleteDocuments("t", [ids[turn % 4]!, ids[(turn + 1) % 4]!], never);
        const documents = ids.map((id, index) => ({ ...long(id, `${turn % 3}`), index }));
        const moved = documents.map(({ document, passages, index }) => ({
          document: {
            ...document,
            collection: (turn + index) % 2 === 0 ? "one" : "two",
            contentHash: document.contentHash.replace(/^../, `0${(turn + index) % 2}`),
          },
          passages,
        }));
        const { results } = await putAll(seed % 2 === 0 ? moved : moved.toReversed());
        expect(results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
      }
    };
    const vectors = createVectorIndex({ pool });
    const embedder = async (collection: string) => {
      for (let round = 0; round < 12; round += 1) {
        const missing = { collection, spaceId: space.id, documentIds: [], afterPassageId: 0, limit: 10 };
        const { contents } = await vectors.missing("t", missing, never);
        const given = contents.map(({ contentHash }) => ({ contentHash, vector }));
        expect((await vectors.put("t", collection, space, given, never)).kind).toBe("stored");
      }
    };
    await Promise.all([...[0, 1, 2, 3, 4, 5].map(writer), embedder("one"), embedder("two")]);
    await expectWhole();
    const last = await asOwner(
      "SELECT d.document_id FROM document d WHERE d.seq <> (SELECT max(o.seq) FROM outbox o WHERE o.document_id = d.document_id)",
    );
    expect(last).toEqual([]);
    const twice = await asOwner(
      "SELECT c, r FROM outbox, unnest(collection_ids, record_seqs) AS u (c, r) GROUP BY c, r HAVING count(*) > 1",
    );
    expect(twice).toEqual([]);
  }, 60_000);

  it("leaves in the outbox what the keyword index needs to follow", async () => {
    await putAll([long("a", "처음")]);
    const before = await asOwner<{ id: number }>("SELECT id FROM passage ORDER BY ordinal");
    await putAll([{ ...long("a", "다음"), document: { ...long("a", "다음").document, collection: "two" } }]);
    await records.deleteDocuments("t", ["a"], never);
    const rows = await asOwner<{ seq: number }>(
      "SELECT document_id, seq, record_seqs, cardinality(collection_ids) AS collections, removed_passage_ids AS removed FROM outbox ORDER BY seq",
    );
    const removed = before.map(({ id }) => id);
    expect(rows).toMatchObject([
      { document_id: "a", record_seqs: [1], collections: 1, removed: [] },
      { document_id: "a", collections: 2, removed },
      { document_id: "a", record_seqs: [2], collections: 1, removed: [expect.any(Number), expect.any(Number)] },
    ]);
    expect(await records.collections("t", never)).toMatchObject([
      { state: { collection: "default", recordSeq: 2, projectedSeq: 0 }, documentCount: 0 },
      { state: { collection: "two", recordSeq: 2, projectedSeq: 0 }, documentCount: 0 },
    ]);
  });

  it("keeps the IDs of passages whose content is unchanged, wherever they stand, equal ones in their order", async () => {
    const document = (...texts: string[]): CutDocument => {
      let offset = 0;
      const passages = texts.map((text) => {
        const startOffset = offset;
        offset += text.length;
        return { startOffset, endOffset: offset, text, headings: [], contentHash: sha256(text) };
      });
      return { document: cutDocument("a", { text: texts.join("") }).document, passages };
    };
    const ids = async () => {
      const rows = await asOwner<{ id: number; text: string }>("SELECT id, text FROM passage ORDER BY ordinal");
      return rows.map(({ id, text }) => [text, id] as const);
    };
    await putAll([document("가", "나", "나", "다")]);
    const [[, first], [, second], [, third], [, fourth]] = (await ids()) as [
      PassageId,
      PassageId,
      PassageId,
      PassageId,
    ];
    await putAll([document("앞", "나", "나", "가", "나")]);
    const [front, ...others] = await ids();
    expect(others).toEqual([
      ["나", second],
      ["나", third],
      ["가", first],
      ["나", expect.any(Number)],
    ]);
    expect(Math.min(front![1], others.at(-1)![1])).toBeGreaterThan(fourth);
    await expectWhole();
  });

  it("pages through what a rare filter leaves, also beyond what one page looks at", async () => {
    await asOwner(`WITH c AS (INSERT INTO collection (tenant, name) VALUES ('t', 'default') RETURNING id)
      INSERT INTO document (tenant, document_id, collection_id, collection, title, media_type, language, uri, tags, taxonomy_path, metadata, moments,
        version, content_hash, create_time_ms, update_time_ms, seq, passage_count, text_bytes)
      SELECT 't', lpad(n::text, 6, '0'), c.id, 'default', '', '', '', '', CASE WHEN n = 20500 THEN ARRAY['rare'] ELSE '{}' END, '', '{}', '{}',
        1, '\\x00', 0, 0, n, 0, 0 FROM c, generate_series(1, 21000) n`);
    const found: string[] = [];
    let pages = 0;
    for (let afterId: string | undefined; ; pages += 1) {
      const query = { filter: { kind: "tag", tag: "rare" } as const, afterId, limit: 10, maxTextBytes: undefined };
      const page = await records.listDocuments("t", query, never);
      found.push(...page.documents.map(({ document }) => document.id));
      if (page.nextAfterId === undefined) break;
      afterId = page.nextAfterId;
    }
    expect(found).toEqual(["020500"]);
    expect(pages).toBe(2);
  });

  describe("when things go wrong", () => {
    it("has no half of a document, and lets the others stand, when the disk is full", async () => {
      await putAll([long("b", "옛")]);
      await asOwner(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.text LIKE '%가득%' THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END IF; RETURN NEW; END $$`);
      await asOwner("CREATE TRIGGER full_disk BEFORE INSERT ON passage FOR EACH ROW EXECUTE FUNCTION full_disk()");
      try {
        const { results, collections } = await putAll([long("a", "하나"), long("b", "가득"), long("c", "셋")]);
        expect(results).toMatchObject([
          { outcome: "created" },
          { outcome: "failed", version: 1 },
          { outcome: "created" },
        ]);
        expect(results[1]).toMatchObject({ error: expect.any(StoreUnavailableError) });
        expect(collections).toMatchObject([{ recordSeq: 3 }]);
      } finally {
        await asOwner("DROP FUNCTION full_disk CASCADE");
      }
      await expectWhole();
      expect((await records.versions("t", ["b"], never)).get("b")).toEqual({
        version: 1,
        contentHash: long("b", "옛").document.contentHash,
      });
    });

    it("fails the document whose connection is lost, and stores the others", async () => {
      await asOwner(`CREATE FUNCTION lose_connection() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.document_id = 'b' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$`);
      await asOwner(
        "CREATE TRIGGER lose_connection BEFORE INSERT ON document FOR EACH ROW EXECUTE FUNCTION lose_connection()",
      );
      try {
        const { results } = await putAll([long("a", "하나"), long("b", "둘"), long("c", "셋")]);
        expect(results).toMatchObject([
          { outcome: "created" },
          { outcome: "failed", version: 0 },
          { outcome: "created" },
        ]);
      } finally {
        await asOwner("DROP FUNCTION lose_connection CASCADE");
      }
      await expectWhole();
    });

    it("says that it is not available, does not try every document of a call, and goes on when it is back", async () => {
      await using proxy = await createTcpProxy({ target: record.url });
      const behind = record.openPool({ url: proxy.url(record.url) });
      const store = createRecordStore({ pool: behind, projected: true });
      await putAll([long("a", "하나")], store);
      await proxy.set({ kind: "refuse" });
      await expect(store.versions("t", ["a"], never)).rejects.toThrow(StoreUnavailableError);
      const accepted = proxy.acceptedConnections;
      const { results } = await putAll(
        Array.from({ length: 50 }, (_, n) => cutDocument(`n${n}`)),
        store,
      );
      expect(results.every(({ outcome }) => outcome === "failed")).toBe(true);
      expect(proxy.acceptedConnections - accepted).toBeLessThan(5);
      await proxy.set({ kind: "pass" });
      expect((await putAll([long("b", "둘")], store)).results).toEqual([{ outcome: "created", version: 1 }]);
      await expectWhole();
    });

    it("ends at the time that it was given, also on the server (B9)", async () => {
      const busy = `SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'quartet tests'`;
      await record.owner.transaction(never, async (transaction) => {
        await transaction.execute("LOCK TABLE document");
        const late = records.versions("t", ["a"], { ...never, timeoutMs: 100 });
        await expect(late).rejects.toThrow(StoreTimeoutError);
        while ((await asOwner<{ count: number }>(busy))[0]!.count > 0);
      });
      expect(await records.versions("t", ["a"], { ...never, timeoutMs: 60_000 })).toEqual(new Map());
    });

    it("turns callers away when all connections are in use, and says that it is its own limit", async () => {
      const small = record.openPool({ maxConnections: 1, waitTimeoutMs: 50 });
      const store = createRecordStore({ pool: small, projected: true });
      const release = Promise.withResolvers<void>();
      const holder = small.transaction(never, () => release.promise);
      await expect(store.collections("t", never)).rejects.toThrow(StoreBusyError);
      release.resolve();
      await holder;
      expect(await store.collections("t", never)).toEqual([]);
    });

    it("leaves whole documents only when the caller goes away in the middle", async () => {
      const caller = new AbortController();
      const documents = Array.from({ length: 200 }, (_, n) => long(`n${n}`, "글"));
      const work = putAll(documents, records, caller.signal);
      const outcome = expect(work).rejects.toThrow("left");
      while ((await asOwner<{ count: number }>("SELECT count(*) AS count FROM document"))[0]!.count < 5);
      caller.abort(new Error("left"));
      await outcome;
      await expectWhole();
      expect(pool.stats().waiting).toBe(0);
    });
  });
});
