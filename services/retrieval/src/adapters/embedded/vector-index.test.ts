import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createWorkerPool } from "@quartet/workers";
import { cutText } from "../../domain/cut-text.ts";
import type { EmbeddingSpace } from "../../domain/collection.ts";
import { toNewDocument } from "../../domain/new-document.ts";
import { sha256 } from "../../domain/passage-content.ts";
import { inMemory } from "./database.ts";
import { type EmbeddedStore, openEmbeddedStore } from "./open.ts";

const space: EmbeddingSpace = {
  id: "1".repeat(16),
  dimensions: 2,
  kind: "semantic",
  denseWeight: 0.5,
  cacheThreshold: 2,
  model: "m",
};
const call = { signal: new AbortController().signal };
/** More than one block. */
const count = 2_100;
const empty = {
  title: "",
  mediaType: "",
  collection: "",
  tags: [],
  taxonomyPath: "",
  metadata: {},
  language: "",
  uri: "",
};

describe("a scan of many vectors", () => {
  let store: EmbeddedStore;
  beforeEach(async () => {
    store = await openEmbeddedStore({ folder: inMemory });
    const documents = Array.from({ length: count }, (_, index) => {
      const document = toNewDocument({ ...empty, id: `d${index}`, text: `t${index}` });
      return { document, passages: [...cutText(document)] };
    });
    await store.records.putDocuments("t", documents, call);
    const vectors = Array.from({ length: count }, (_, index) => ({
      contentHash: sha256(`t${index}`),
      vector: { kind: "float32", values: Float32Array.of(Math.cos(index / count), Math.sin(index / count)) } as const,
    }));
    await store.vectors.put("t", "default", space, vectors, call);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    // The turn that began by the other clock is over.
    await nextTurn();
    await store.close();
  });

  it("gives way between blocks, and finds what is there when it ends", async () => {
    // Every look at the clock finds the slice used up.
    let now = performance.now();
    jest.spyOn(performance, "now").mockImplementation(() => (now += 1_000));
    const query = {
      vector: { kind: "float32", values: Float32Array.of(1, 0) } as const,
      spaceId: space.id,
      collections: ["default"],
      filter: undefined,
      limit: 3,
    };
    const searching = store.vectors.search("t", query, call);
    let otherCalls = 0;
    setImmediate(() => (otherCalls += 1));
    const deleting = store.records.deleteDocuments("t", ["d0", "d2"], call);
    const { hits } = await searching;
    await deleting;
    expect(otherCalls).toBe(1);
    expect(hits.map(({ documentId }) => documentId)).toEqual(["d1", "d3", "d4"]);
  });

  it("ends between blocks when told to", async () => {
    let now = performance.now();
    jest.spyOn(performance, "now").mockImplementation(() => (now += 1_000));
    const own = new AbortController();
    const query = {
      vector: { kind: "float32", values: Float32Array.of(1, 0) } as const,
      spaceId: space.id,
      collections: ["default"],
      filter: undefined,
      limit: 3,
    };
    const searching = store.vectors.search("t", query, { signal: own.signal });
    own.abort(new Error("left"));
    await expect(searching).rejects.toThrow("left");
  });
});

describe("a scan of so many components that it is done in a thread", () => {
  const wide = { ...space, dimensions: 40_000 };
  const documents = Array.from({ length: 200 }, (_, index) => {
    const document = toNewDocument({ ...empty, id: `d${index}`, text: `t${index}` });
    return { document, passages: [...cutText(document)] };
  });
  const pointing = (at: number) => {
    const values = new Float32Array(wide.dimensions);
    values.set([Math.cos(at), Math.sin(at)]);
    return { kind: "float32", values } as const;
  };

  it("finds the nearest, with what was deleted meanwhile left out", async () => {
    const workers = createWorkerPool({ size: 1 });
    const store = await openEmbeddedStore({ folder: inMemory, workers });
    try {
      await store.records.putDocuments("t", documents, call);
      const vectors = documents.map(({ document: { text } }, index) => ({
        contentHash: sha256(text),
        vector: pointing(index / documents.length),
      }));
      await store.vectors.put("t", "default", wide, vectors, call);
      const searching = store.vectors.search(
        "t",
        { vector: pointing(0), spaceId: wide.id, collections: ["default"], filter: undefined, limit: 3 },
        call,
      );
      await store.records.deleteDocuments("t", ["d0", "d2"], call);
      const { hits } = await searching;
      expect(hits.map(({ documentId }) => documentId)).toEqual(["d1", "d3", "d4"]);
      expect(workers.figures().size).toBe(1);
    } finally {
      await store.close();
      await workers.close();
    }
  });
});
