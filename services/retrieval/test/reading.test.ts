import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Database } from "../src/adapters/embedded/database.ts";
import { type EmbeddedStore, openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import type { EmbeddingSpace } from "../src/domain/collection.ts";
import { sha256 } from "../src/domain/passage-content.ts";
import type { Stores } from "../src/domain/stores.ts";
import type { EncodedVector } from "../src/domain/vector.ts";
import { keywordIndexContract } from "./contract/keyword-index.ts";
import { recordStoreContract } from "./contract/record-store.ts";
import { cutDocument, findByWords, never, put, type Subject } from "./contract/subject.ts";
import { vectorIndexContract } from "./contract/vector-index.ts";

/** A store whose vectors are read one by one, and no further than the test lets them. */
async function openReading(folder: string) {
  let wake = Promise.withResolvers<void>();
  let isFree = false;
  const pause = () => (isFree ? Promise.resolve() : wake.promise);
  const store = await openEmbeddedStore({ folder, reading: { bytesPerStep: 1, pause } });
  const step = async () => {
    const woken = wake;
    wake = Promise.withResolvers();
    woken.resolve();
    await new Promise(setImmediate);
  };
  const readAll = () => {
    isFree = true;
    wake.resolve();
  };
  const close = async () => {
    const closing = store.close();
    readAll();
    await closing;
  };
  return { store, step, readAll, close };
}

type Reading = Awaited<ReturnType<typeof openReading>>;

/** Before each call the store is opened anew, and the call comes while all vectors but the first are still to be read. */
async function openBeforeEachCall(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "quartet-reading-"));
  let current: Reading = await openReading(folder);
  const reopened = async (): Promise<EmbeddedStore> => {
    await current.close();
    current = await openReading(folder);
    return current.store;
  };
  const stores: Stores = {
    records: {
      putDocuments: async (...call) => (await reopened()).records.putDocuments(...call),
      versions: async (...call) => (await reopened()).records.versions(...call),
      listDocuments: async (...call) => (await reopened()).records.listDocuments(...call),
      countDocuments: async (...call) => (await reopened()).records.countDocuments(...call),
      deleteDocuments: async (...call) => (await reopened()).records.deleteDocuments(...call),
      collections: async (...call) => (await reopened()).records.collections(...call),
      passages: async (...call) => (await reopened()).records.passages(...call),
    },
    keywords: { search: async (...call) => (await reopened()).keywords.search(...call) },
    vectors: {
      vectorsOf: async (...call) => (await reopened()).vectors.vectorsOf(...call),
      missing: async (...call) => (await reopened()).vectors.missing(...call),
      put: async (...call) => (await reopened()).vectors.put(...call),
      refuse: async (...call) => (await reopened()).vectors.refuse(...call),
      retryRefused: async (...call) => (await reopened()).vectors.retryRefused(...call),
      activate: async (...call) => (await reopened()).vectors.activate(...call),
      search: async (...call) => {
        const searching = (await reopened()).vectors.search(...call);
        setImmediate(current.readAll);
        return searching;
      },
    },
  };
  return {
    stores,
    reopen: async () => stores,
    close: async () => {
      await current.close();
      await rm(folder, { recursive: true });
    },
  };
}

recordStoreContract("embedded, still reading", openBeforeEachCall);
keywordIndexContract("embedded, still reading", openBeforeEachCall);
vectorIndexContract("embedded, still reading", openBeforeEachCall);

const spaceOf = (id: string): EmbeddingSpace => ({
  id: id.repeat(16),
  dimensions: 3,
  kind: id === "1" ? "hashed" : "semantic",
  denseWeight: 0.3,
  cacheThreshold: 2,
  model: id,
});
const spaces = [spaceOf("1"), spaceOf("2")];
const texts = ["가", "나", "다", "라", "마"];
const component = fc.integer({ min: -3, max: 3 });
const values = fc.tuple(component, component, component);
const command = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), id: fc.nat(7), text: fc.constantFrom(...texts) }),
  fc.record({ kind: fc.constant("delete" as const), id: fc.nat(7) }),
  fc.record({
    kind: fc.constant("vectors" as const),
    space: fc.constantFrom(...spaces),
    vectors: fc.array(fc.tuple(fc.constantFrom(...texts), values), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant("activate" as const), space: fc.constantFrom(...spaces) }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("step" as const) }) },
  fc.record({ kind: fc.constant("reopen" as const) }),
);
type Change = Exclude<
  typeof command extends fc.Arbitrary<infer Command> ? Command : never,
  { kind: "step" | "reopen" }
>;
const query = (...of: number[]): EncodedVector => ({ kind: "float32", values: Float32Array.from(of) });

/** All that can be seen of vectors. */
async function seen({ store }: Reading) {
  const [collection] = await store.records.collections("t", never);
  const listing = { filter: undefined, afterId: undefined, limit: 100, maxTextBytes: undefined };
  const { documents } = await store.records.listDocuments("t", listing, never);
  const counts = documents.map(({ document }) => [document.id, document.vectorCount]);
  const search = (space: EmbeddingSpace, vector: EncodedVector) =>
    store.vectors.search(
      "t",
      { vector, spaceId: space.id, collections: ["default"], filter: undefined, limit: 100 },
      never,
    );
  const found = spaces.flatMap((space) => [query(1, 0, 0), query(1, 2, -1)].map((vector) => search(space, vector)));
  return { collection, counts, found: await Promise.all(found) };
}

async function apply({ store }: Reading, each: Change): Promise<unknown> {
  switch (each.kind) {
    case "put":
      return put(store, "t", cutDocument(`d${each.id}`, { text: each.text }));
    case "delete":
      return store.records.deleteDocuments("t", [`d${each.id}`], never);
    case "vectors": {
      const vectors = each.vectors.map(([text, of]) => ({ contentHash: sha256(text), vector: query(...of) }));
      return store.vectors.put("t", "default", each.space, vectors, never);
    }
    case "activate":
      return store.vectors.activate("t", "default", each.space.id, never);
  }
}

describe("a store whose vectors are still being read", () => {
  it("ends as one that was opened in peace, whatever was changed meanwhile", async () => {
    const property = fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
      const folder = await mkdtemp(join(tmpdir(), "quartet-reading-"));
      let reading = await openReading(folder);
      const reopen = async () => {
        await reading.close();
        reading = await openReading(folder);
      };
      try {
        for (const id of [0, 1, 2, 3]) await apply(reading, { kind: "put", id, text: texts[id]! });
        const vectors = texts.map((text, index): [string, [number, number, number]] => [text, [index, 1, -index]]);
        for (const space of spaces) await apply(reading, { kind: "vectors", space, vectors });
        await reopen();
        for (const each of commands) {
          if (each.kind === "step") await reading.step();
          else if (each.kind === "reopen") await reopen();
          else await apply(reading, each);
        }
        reading.readAll();
        const changed = await seen(reading);
        await reopen();
        reading.readAll();
        expect(changed).toEqual(await seen(reading));
      } finally {
        await reading.close();
        await rm(folder, { recursive: true });
      }
    });
    await fc.assert(property, { numRuns: 40 });
  }, 120_000);

  const filled = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "quartet-reading-"));
    const store = await openEmbeddedStore({ folder });
    await put(store, "t", ...texts.map((text) => cutDocument(text, { text })));
    const vectors = texts.map((text) => ({ contentHash: sha256(text), vector: query(1, 0, 0) }));
    await store.vectors.put("t", "default", spaces[0]!, vectors, never);
    await store.close();
    return folder;
  };
  const search = ({ store }: Reading, signal: AbortSignal) =>
    store.vectors.search(
      "t",
      { vector: query(1, 0, 0), spaceId: spaces[0]!.id, collections: ["default"], filter: undefined, limit: 9 },
      { signal },
    );

  it("lets a search by vector wait, no longer than its signal, and finds words meanwhile", async () => {
    const folder = await filled();
    const reading = await openReading(folder);
    const leaving = new AbortController();
    const left = search(reading, leaving.signal);
    const patient = search(reading, never.signal);
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    expect(await findByWords(reading.store, "t", "가")).toEqual(["가"]);
    expect((await reading.store.records.collections("t", never))[0]!.active!.vectorCount).toBe(texts.length);
    reading.readAll();
    expect((await patient).hits).toHaveLength(texts.length);
    await reading.store.vectorsRead;
    await reading.close();
    await rm(folder, { recursive: true });
  });

  it("fails searches by vector alone where vectors cannot be read", async () => {
    const folder = await filled();
    const database = new Database(folder);
    database.exec("ALTER TABLE vector_1 RENAME COLUMN components TO lost");
    database.close();
    const reading = await openReading(folder);
    await expect(search(reading, never.signal)).rejects.toThrow("components");
    await expect(search(reading, never.signal)).rejects.toThrow("components");
    await expect(reading.store.vectorsRead).rejects.toThrow("components");
    expect(await findByWords(reading.store, "t", "가")).toEqual(["가"]);
    await reading.close();
    await rm(folder, { recursive: true });
  });

  it("tells those who wait when it is closed", async () => {
    const folder = await filled();
    const reading = await openReading(folder);
    const waiting = search(reading, never.signal);
    const told = expect(waiting).rejects.toThrow("closed");
    await reading.close();
    await told;
    await expect(reading.store.vectorsRead).rejects.toThrow("closed");
    await rm(folder, { recursive: true });
  });
});
