import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Pool } from "@quartet/postgres";
import { describeWithStores } from "@quartet/testing/jest";
import { createRecordStore } from "../src/adapters/postgres/record-store.ts";
import { createVectorIndex } from "../src/adapters/postgres/vector-index.ts";
import type { EmbeddingSpace } from "../src/domain/collection.ts";
import { sha256 } from "../src/domain/passage-content.ts";
import type { Stores } from "../src/domain/stores.ts";
import { filterContract } from "./contract/filter.ts";
import { vectorPartsContract } from "./contract/ranking-parts.ts";
import { cutDocument, never, put } from "./contract/subject.ts";
import { vectorIndexContract } from "./contract/vector-index.ts";
import { createPlainKeywords, createTestRecord, openRecord, type TestRecord } from "./postgres-subject.ts";

const space: EmbeddingSpace = {
  id: "1".repeat(16),
  dimensions: 3,
  kind: "semantic",
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: "m",
};
const vector = { kind: "float32" as const, values: Float32Array.of(1, 0, 0) };

describeWithStores("vectors in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  beforeAll(async () => {
    record = await createTestRecord(postgres);
  });
  afterAll(async () => record[Symbol.asyncDispose]());
  const open = () =>
    openRecord(record, (pool) => ({ keywords: createPlainKeywords(pool), vectors: createVectorIndex({ pool }) }));
  const give = (stores: Stores, tenant: string, text: string, of = space) =>
    stores.vectors.put(tenant, "default", of, [{ contentHash: sha256(text), vector }], never);

  vectorIndexContract("PostgreSQL", open);
  vectorPartsContract("PostgreSQL", open);
  filterContract("PostgreSQL", open, ["vectors"]);

  it("shows a tenant no vector, space or table of another, whatever a statement asks for", async () => {
    const { stores, close } = await open();
    for (const tenant of ["t", "u"]) {
      await put(stores, tenant, cutDocument("a", { text: "가" }));
      await give(stores, tenant, "가");
    }
    const pool = record.openPool();
    const ask = (tenant: string | undefined, sql: string) =>
      pool.transaction({ ...(tenant === undefined ? {} : { tenant }), ...never }, (transaction) =>
        transaction.query<{ tenant: string; id: number }>(sql),
      );
    for (const sql of ["SELECT tenant FROM vector_3", "SELECT tenant, id FROM space"]) {
      expect((await ask("t", sql)).map(({ tenant }) => tenant)).toEqual(["t"]);
      expect(await ask(undefined, sql)).toEqual([]);
    }
    const [{ id } = { id: 0 }] = await ask("u", "SELECT id FROM space");
    for (const work of ["begin_own_vectors", "index_own_vectors", "drop_own_vectors"]) {
      await expect(ask("t", `SELECT ${work}(${id})`)).rejects.toThrow("P0002");
    }
    await expect(ask("t", `SELECT store_vectors(${id}, '{1}', '{1}', '{"[1,0,0]"}')`)).rejects.toThrow("P0002");
    const foreign = `INSERT INTO vector_3 (space, passage, tenant, embedding) VALUES (${id}, 99, 'u', '[1,0,0]')`;
    await expect(ask("t", foreign)).rejects.toThrow("42501");
    expect(await ask("t", `DELETE FROM vector_3 WHERE space = ${id} RETURNING tenant`)).toEqual([]);
    for (const forbidden of [
      "SELECT make_vector_table('x', 3, 'passage')",
      `SELECT space_of_tenant(${id})`,
      "DROP TABLE vector_3",
      "ALTER TABLE vector_3 NO FORCE ROW LEVEL SECURITY",
      "CREATE TABLE quartet_retrieval.mine (id int)",
    ]) {
      await expect(ask("t", forbidden)).rejects.toThrow("42501");
    }
    for (const dimensions of ["0", "4097", "-1", "NULL"]) {
      await expect(ask("t", `SELECT ensure_vector_table(${dimensions})`)).rejects.toThrow("22023");
    }
    await Promise.all([pool.close(), close()]);
  });

  it.each([
    ["first", "deletion", []],
    ["first", "space", []],
    ["next", "deletion", [space]],
    ["next", "space", [space]],
  ] as const)(
    "counts no vector of a passage that goes while the %s space is made; the %s comes first",
    async (_, first, before) => {
      const { stores, close } = await open();
      const pool = record.openPool();
      const next: EmbeddingSpace = { ...space, id: "3".repeat(16) };
      const contents = ["가", "나"].map((text) => ({ contentHash: sha256(text), vector }));
      await put(stores, "t", ...["가", "나"].map((text) => cutDocument(text, { text })));
      for (const of of before) await stores.vectors.put("t", "default", of, contents, never);
      const [done, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const slow: Pool = {
        ...pool,
        transaction: (options, work) =>
          pool.transaction(options, async (transaction) => {
            const result = await work(transaction);
            done.resolve();
            await released.promise;
            return result;
          }),
      };
      const deletion = (of: Pool) =>
        createRecordStore({ pool: of, projected: false }).deleteDocuments("t", ["가"], never);
      const making = (of: Pool) => createVectorIndex({ pool: of }).put("t", "default", next, contents, never);
      const [one, other] = first === "deletion" ? [deletion, making] : [making, deletion];
      const running = one(slow);
      await done.promise;
      const second = other(pool);
      // It may wait for the first, and must not leave a vector behind that nobody deletes.
      await Promise.race([second, sleep(500)]);
      released.resolve();
      await Promise.all([running, second]);
      await put(stores, "t", cutDocument("다", { text: "다" }));
      const query = { collection: "default", spaceId: next.id, documentIds: [], afterPassageId: 0, limit: 10 };
      expect((await stores.vectors.missing("t", query, never)).contents.map(({ text }) => text)).toEqual(["다"]);
      await Promise.all([pool.close(), close()]);
    },
  );

  it("takes the first vectors of a collection from two at once, and as many dimensions as the contract allows", async () => {
    const { stores, close } = await open();
    const wide: EmbeddingSpace = { ...space, id: "2".repeat(16), dimensions: 4_096 };
    const values = Float32Array.from({ length: wide.dimensions }, (_, index) => index % 7);
    const query = { spaceId: wide.id, collections: ["default"], filter: undefined, limit: 10 };
    await put(stores, "t", ...["가", "나"].map((text) => cutDocument(text, { text })));
    const widely = (text: string) =>
      stores.vectors.put(
        "t",
        "default",
        wide,
        [{ contentHash: sha256(text), vector: { kind: "float32", values } }],
        never,
      );
    expect(await Promise.all([widely("가"), widely("나")])).toEqual(Array(2).fill({ kind: "stored", count: 1 }));
    const { hits } = await stores.vectors.search("t", { ...query, vector: { kind: "float32", values } }, never);
    expect(hits.map(({ documentId }) => documentId)).toEqual(["가", "나"]);
    for (const { score } of hits) expect(score).toBeCloseTo(1, 2);
    await close();
  });

  it("orders equal scores by document, by code points, and then by ordinal, also at the end of the page", async () => {
    const { stores, close } = await open();
    const ids = ["b", "a", "\uff21", "😀", "가"];
    await put(stores, "t", ...ids.map((id) => cutDocument(id, { text: "같은 글" })));
    await give(stores, "t", "같은 글");
    const query = { vector, spaceId: space.id, collections: ["default"], filter: undefined };
    for (const limit of [3, 10]) {
      const { hits } = await stores.vectors.search("t", { ...query, limit }, never);
      expect(hits.map(({ documentId }) => documentId)).toEqual(["a", "b", "가", "\uff21", "😀"].slice(0, limit));
    }
    const zero = { kind: "float32" as const, values: new Float32Array(3) };
    const { hits } = await stores.vectors.search("t", { ...query, vector: zero, limit: 1 }, never);
    expect(hits).toMatchObject([{ documentId: "a", score: 0 }]);
    await close();
  });

  it("ends when told to", async () => {
    const { stores, close } = await open();
    await put(stores, "t", cutDocument("a", { text: "가" }));
    const signal = AbortSignal.abort(new Error("left"));
    const query = { vector, spaceId: space.id, collections: ["default"], filter: undefined, limit: 1 };
    await expect(stores.vectors.search("t", query, { signal })).rejects.toThrow("left");
    await expect(stores.vectors.put("t", "default", space, [], { signal })).rejects.toThrow("left");
    await expect(stores.vectors.activate("t", "default", space.id, { signal })).rejects.toThrow("left");
    await close();
  });
});
