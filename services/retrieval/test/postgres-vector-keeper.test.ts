import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createPool, type Pool } from "@quartet/postgres";
import { createLogger } from "@quartet/telemetry";
import { describeWithStores } from "@quartet/testing/jest";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { roles, schema } from "../src/adapters/postgres/schema.ts";
import { createVectorIndex } from "../src/adapters/postgres/vector-index.ts";
import { createVectorKeeper } from "../src/adapters/postgres/vector-keeper.ts";
import type { EmbeddingSpace } from "../src/domain/collection.ts";
import type { Filter } from "../src/domain/filter.ts";
import { sha256 } from "../src/domain/passage-content.ts";
import type { RecordStore } from "../src/domain/record-store.ts";
import type { VectorIndex } from "../src/domain/vector-index.ts";
import { cutDocument, never } from "./contract/subject.ts";
import { createTestRecord, type TestRecord } from "./postgres-subject.ts";

const dimensions = 16;
const spaceOf = (digit: string): EmbeddingSpace => ({
  id: digit.repeat(16),
  dimensions,
  kind: "semantic",
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: "m",
});
const [first, second] = [spaceOf("1"), spaceOf("2")];

/** Vectors that look random and are the same in every run (mulberry32). */
function vectorOf(seed: number): { kind: "float32"; values: Float32Array } {
  let state = seed * 0x9e3779b9;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 - 0.5;
  };
  return { kind: "float32", values: Float32Array.from({ length: dimensions }, random) };
}

describeWithStores("large collections in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  let pool: Pool;
  let everyTenant: Pool;
  let records: RecordStore;
  let vectors: VectorIndex;
  const log = createLogger({ service: "retrieval", destination: { write: () => {} } });
  const keeper = () => createVectorKeeper({ pool, everyTenant, log, maxSharedVectors: 20, leaveMs: 0 });
  beforeAll(async () => {
    record = await createTestRecord(postgres);
  });
  beforeEach(async () => {
    await record.empty();
    pool = record.openPool();
    everyTenant = createPool({
      url: record.url,
      schema: schema.name,
      role: roles.projector,
      applicationName: "keeper",
    });
    records = createRecordStore({ pool, projected: false });
    vectors = createVectorIndex({ pool, maxExactPassages: 10 });
  });
  afterEach(async () => {
    await Promise.all([pool.close(), everyTenant.close()]);
  });
  afterAll(async () => record[Symbol.asyncDispose]());

  const nameOf = (number: number) => `d${String(number).padStart(3, "0")}`;
  const put = (from: number, to: number, tenant = "t", marked = (_number: number) => false) =>
    records.putDocuments(
      tenant,
      range(from, to).map((number) =>
        cutDocument(nameOf(number), { text: nameOf(number), tags: marked(number) ? ["x"] : [] }),
      ),
      never,
    );
  const give = (from: number, to: number, space = first, tenant = "t") => {
    const list = range(from, to).map((number) => ({ contentHash: sha256(nameOf(number)), vector: vectorOf(number) }));
    return vectors.put(tenant, "default", space, list, never);
  };
  const search = async (seed: number, limit: number, more: { filter?: Filter; tenant?: string } = {}) => {
    const query = { vector: vectorOf(seed), spaceId: first.id, collections: ["default"], filter: more.filter, limit };
    return (await vectors.search(more.tenant ?? "t", query, never)).hits.map(({ documentId }) => documentId);
  };
  const placements = async () =>
    (
      await record.owner.transaction(never, (transaction) =>
        transaction.query<{ placement: string }>("SELECT placement FROM space ORDER BY id"),
      )
    ).map(({ placement }) => placement);
  const vectorCount = async (tenant = "t") => (await records.collections(tenant, never))[0]!.active!.vectorCount;
  const onSpace = (sql: string, ...values: unknown[]) =>
    pool.transaction({ tenant: "t", ...never }, (transaction) => transaction.query<{ count: number }>(sql, values));
  const spaceRow = async () => (await onSpace("SELECT id AS count FROM space WHERE role = 'active'"))[0]!.count;

  it("moves a large space to a table of its own, and finds the same", async () => {
    await put(0, 60);
    await give(0, 60);
    const before = await search(7, 60);
    await keeper().tend(never.signal);
    expect(await placements()).toEqual(["own"]);
    expect(await search(7, 60)).toEqual(before);
    expect(await vectorCount()).toBe(60);
    const { rows } = await leftIn("vector_16");
    expect(rows).toBe(0);
  });

  it("leaves small spaces where they are", async () => {
    await put(0, 20);
    await give(0, 20);
    await keeper().tend(never.signal);
    expect(await placements()).toEqual(["shared"]);
  });

  const leftIn = async (table: string) =>
    (
      await record.owner.transaction(never, (transaction) =>
        transaction.query<{ rows: number }>(
          `SELECT count(*) AS rows FROM ${table} WHERE space IN (SELECT id FROM space)`,
        ),
      )
    )[0]!;

  describe.each(["shared", "moving", "indexing", "settling", "own"])("while its rows are %s", (placement) => {
    const moveTo = async () => {
      if (placement === "shared") return;
      const row = await spaceRow();
      await onSpace("SELECT begin_own_vectors($1)", row);
      await onSpace("SELECT move_vectors($1, $2)", row, placement === "moving" ? 15 : 1_000);
      if (placement === "moving") return;
      await onSpace("UPDATE space SET placement = 'indexing' WHERE id = $1", row);
      await onSpace("SELECT index_own_vectors($1)", row);
      await onSpace("UPDATE space SET placement = $2 WHERE id = $1", row, placement);
    };
    beforeEach(async () => {
      await put(0, 40, "t", (number) => number % 10 === 0);
      await give(0, 30);
      await moveTo();
    });

    it("sees every vector once, through puts, deletions and copies, and settles", async () => {
      const all = async () => [...(await search(3, 200))].sort();
      expect(await all()).toEqual(range(0, 30).map(nameOf));
      await give(25, 40);
      expect(await all()).toEqual(range(0, 40).map(nameOf));
      expect(await vectorCount()).toBe(40);
      await records.deleteDocuments("t", [nameOf(0), nameOf(27), nameOf(39)], never);
      await records.putDocuments("t", [cutDocument("copy", { text: nameOf(5) })], never);
      const left = [...range(1, 27), ...range(28, 39)].map(nameOf);
      expect(await all()).toEqual(["copy", ...left]);
      expect(await vectorCount()).toBe(38);
      const page = await records.listDocuments(
        "t",
        { filter: undefined, afterId: undefined, limit: 100, maxTextBytes: undefined },
        never,
      );
      expect(page.documents.every(({ document }) => document.vectorCount === 1)).toBe(true);
      await keeper().tend(never.signal);
      expect(await placements()).toEqual(["own"]);
      expect(await all()).toEqual(["copy", ...left]);
      expect(await vectorCount()).toBe(38);
    });

    it("lists what lacks a vector", async () => {
      const query = { collection: "default", spaceId: first.id, documentIds: [], afterPassageId: 0, limit: 100 };
      const { contents } = await vectors.missing("t", query, never);
      expect(contents.map(({ text }) => text)).toEqual(range(30, 40).map(nameOf));
      await give(30, 40);
      expect(await vectors.missing("t", query, never)).toEqual({ contents: [], nextAfterPassageId: undefined });
    });

    it.each([
      ["few", { kind: "tag", tag: "x" }, (number: number) => number % 10 === 0],
      ["many", { kind: "noneOf", filters: [{ kind: "tag", tag: "x" }] }, (number: number) => number % 10 !== 0],
      ["none", { kind: "tag", tag: "y" }, () => false],
    ] as const)("filters before it chooses, where %s pass", async (_name, filter, passes) => {
      const order = await search(3, 200);
      const expected = order.filter((id) => passes(Number(id.slice(1))));
      expect(await search(3, 5, { filter: filter as Filter })).toEqual(expected.slice(0, 5));
      expect(await search(3, 100, { filter: filter as Filter })).toEqual(expected);
    });

    it("keeps tenants apart", async () => {
      await put(0, 10, "u");
      await give(0, 10, first, "u");
      expect(await search(3, 200, { tenant: "u" })).toHaveLength(10);
      expect(await search(3, 200)).toHaveLength(30);
      await keeper().tend(never.signal);
      expect(await search(3, 200, { tenant: "u" })).toHaveLength(10);
    });
  });

  it("deletes the vectors of a space that was left, small or large", async () => {
    await put(0, 30);
    await give(0, 30);
    await keeper().tend(never.signal);
    const own = `vector_16_${await spaceRow()}`;
    await give(0, 30, second);
    expect(await vectors.activate("t", "default", second.id, never)).toMatchObject({ kind: "active" });
    expect(await search(3, 10)).toEqual([]);
    await keeper().tend(never.signal);
    expect(await placements()).toEqual(["own"]);
    await expect(leftIn(own)).rejects.toThrow("does not exist");
    await give(0, 10, first);
    await give(0, 10, spaceOf("3"));
    await keeper().tend(never.signal);
    expect(await leftIn("vector_16")).toEqual({ rows: 10 });
  });

  it("goes on while documents and vectors are put and searches run", async () => {
    await put(0, 100);
    await give(0, 30);
    let isSettled = false;
    const tending = keeper()
      .tend(never.signal)
      .finally(() => (isSettled = true));
    let given = 30;
    do {
      if (given < 100) await give(given, (given += 10));
      const found = await search(3, 300);
      expect(new Set(found).size).toBe(found.length);
      expect(found.length).toBeGreaterThanOrEqual(30);
    } while (!isSettled);
    await tending;
    expect((await search(3, 300)).length).toBe(given);
    expect(await placements()).toEqual(["own"]);
  });

  it("runs until it is told to end, whatever fails", async () => {
    const caller = new AbortController();
    await put(0, 30);
    await give(0, 30);
    const running = createVectorKeeper({ pool, everyTenant, log, maxSharedVectors: 20, intervalMs: 5 }).run(
      caller.signal,
    );
    while ((await placements())[0] !== "own") await new Promise((resolve) => setTimeout(resolve, 10));
    await everyTenant.close();
    caller.abort();
    await running;
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
