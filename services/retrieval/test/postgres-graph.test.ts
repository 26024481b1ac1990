import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { createLogger } from "@quartet/telemetry";
import { createGraphIndex } from "../src/adapters/postgres/graph-index.ts";
import { createGraphKeeper } from "../src/adapters/postgres/graph-keeper.ts";
import { roles } from "../src/adapters/postgres/schema.ts";
import type { VectorIndex } from "../src/domain/vector-index.ts";
import { entity, graphIndexContract } from "./contract/graph-index.ts";
import { cutDocument, never, put } from "./contract/subject.ts";
import { createPlainKeywords, createTestRecord, openRecord, type TestRecord } from "./postgres-subject.ts";

describeWithStores("the graph in PostgreSQL", ["postgres"], ({ postgres }) => {
  let record: TestRecord;
  beforeAll(async () => {
    record = await createTestRecord(postgres, { logins: "ordinary" });
  });
  afterAll(async () => record[Symbol.asyncDispose]());

  const log = createLogger({ service: "retrieval", destination: { write: () => {} } });
  const keeperOf = (options: { readonly passagesAtOnce: number; readonly leaveMs?: number }) =>
    createGraphKeeper({
      pool: record.openPool(),
      everyTenant: record.openPool({ role: roles.projector }),
      log,
      intervalMs: 1,
      ...options,
    });
  const openGraph = () =>
    openRecord(record, (pool) => ({
      keywords: createPlainKeywords(pool),
      vectors: {} as VectorIndex,
      graph: createGraphIndex({ pool, rememberMs: 0 }),
    }));

  graphIndexContract("PostgreSQL", async () => {
    const keeper = keeperOf({ passagesAtOnce: 7 });
    return { ...(await openGraph()), settle: async () => void (await keeper.tend(never.signal)) };
  });

  it("finds every name in every document, however puts, names and those who look documents through come together", async () => {
    const { stores, close } = await openGraph();
    const places = ["런던", "파리", "서울"];
    const ids = Array.from({ length: 30 }, (_, index) => `d${String(index).padStart(2, "0")}`);
    const write = (round: number) =>
      Promise.all(
        ids.map((id, index) =>
          put(stores, "t", cutDocument(id, { text: `${places[(index + round) % places.length]}에서 온 편지` })),
        ),
      );
    const keepers = [keeperOf({ passagesAtOnce: 3 }), keeperOf({ passagesAtOnce: 5 })];
    // Cut off somewhere, as a process that is killed would be.
    for (const keeper of keepers) {
      const cut = new AbortController();
      setTimeout(() => cut.abort(new Error("cut off")), 20);
      keeper.run(cut.signal).catch(() => undefined);
    }
    const leaving = new AbortController();
    const running = keepers.map((keeper) => keeper.run(leaving.signal));
    const graphs = async () => {
      for (const name of [...places, "편지"]) {
        await stores.graph!.put("t", { entities: [entity(name)], relations: [], mentions: [] }, never);
      }
      await stores.graph!.deleteEntities("t", ["편지"], never);
    };
    await Promise.all([write(0), graphs()]);
    await write(1);
    const nothing = { entities: [], relations: [], mentions: [] };
    while ((await stores.graph!.put("t", nothing, never)).waitingDocumentCount > 0);
    leaving.abort(new Error("the test has ended"));
    await Promise.all(running);
    for (const [place, name] of places.entries()) {
      const query = { text: name, collections: ["default"], filter: undefined, limit: 100 };
      const { hits } = await stores.graph!.search("t", query, never);
      expect(hits.map(({ documentId }) => documentId)).toEqual(
        ids.filter((_, index) => (index + 1) % places.length === place),
      );
    }
    const rows = await record.owner.transaction(never, (transaction) =>
      transaction.query<{ left: number }>(
        "SELECT count(*) AS left FROM graph_found WHERE name NOT IN (SELECT id FROM graph_name)",
      ),
    );
    expect(rows[0]!.left).toBe(0);
    await close();
  }, 120_000);

  it("leaves a document that cannot be looked through, and goes on with those behind it", async () => {
    const { stores, close } = await openGraph();
    const ids = ["a", "b", "c", "d", "e"];
    for (const id of ids) await put(stores, "held", cutDocument(id, { text: "서울에서 온 편지" }));
    await record.owner.transaction(never, async (transaction) => {
      await transaction.execute(
        `CREATE FUNCTION refuse_b() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN IF NEW.tenant = 'held' AND NEW.document_id = 'b' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$`,
      );
      await transaction.execute(
        "CREATE TRIGGER refuse_b BEFORE UPDATE ON document FOR EACH ROW EXECUTE FUNCTION refuse_b()",
      );
    });
    await stores.graph!.put("held", { entities: [entity("서울")], relations: [], mentions: [] }, never);
    const found = async () => {
      const query = { text: "서울", collections: ["default"], filter: undefined, limit: 100 };
      return (await stores.graph!.search("held", query, never)).hits.map(({ documentId }) => documentId);
    };
    const keeper = keeperOf({ passagesAtOnce: 100, leaveMs: 0 });
    const patient = keeperOf({ passagesAtOnce: 100 });
    expect(await patient.tend(never.signal)).toBe(4);
    expect(await found()).toEqual(["a", "c", "d", "e"]);
    expect(await patient.tend(never.signal)).toBe(0);
    await record.owner.transaction(never, (transaction) => transaction.execute("DROP TRIGGER refuse_b ON document"));
    expect(await keeper.tend(never.signal)).toBe(1);
    expect(await found()).toEqual(ids);
    await close();
  }, 60_000);

  it("knows whether a tenant has a graph from memory, and while the database cannot be asked as it last knew", async () => {
    const { stores, close } = await openGraph();
    const graph = createGraphIndex({ pool: record.openPool() });
    expect(await graph.hasEntities("t", never)).toBe(false);
    await stores.graph!.put("t", { entities: [entity("a")], relations: [], mentions: [] }, never);
    expect(await graph.hasEntities("t", never)).toBe(false);
    expect(await stores.graph!.hasEntities("t", never)).toBe(true);
    const closed = record.openPool();
    const forgetful = createGraphIndex({ pool: closed, rememberMs: 0 });
    expect(await forgetful.hasEntities("t", never)).toBe(true);
    await closed.close();
    expect([await forgetful.hasEntities("t", never), await forgetful.hasEntities("u", never)]).toEqual([true, false]);
    await expect(forgetful.hasEntities("t", { signal: AbortSignal.abort(new Error("left")) })).rejects.toThrow("left");
    await close();
  });
});
