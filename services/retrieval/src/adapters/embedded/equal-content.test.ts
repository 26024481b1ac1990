import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { cutText } from "../../domain/cut-text.ts";
import type { EmbeddingSpace } from "../../domain/collection.ts";
import { toNewDocument } from "../../domain/new-document.ts";
import { sha256 } from "../../domain/passage-content.ts";
import { Database } from "./database.ts";
import { type EmbeddedStore, openEmbeddedStore } from "./open.ts";

const space: EmbeddingSpace = {
  id: "1".repeat(16),
  dimensions: 4_096,
  kind: "hashed",
  denseWeight: 0.5,
  cacheThreshold: 2,
  model: "m",
};
const call = { signal: new AbortController().signal };
/** More than one transaction holds vectors of. */
const count = 300;
const text = "같은 줄";
const vectors = [
  { contentHash: sha256(text), vector: { kind: "int8", values: new Int8Array(4_096).fill(1), scale: 1 } as const },
];

describe("content that hundreds of passages have", () => {
  let folder: string;
  let store: EmbeddedStore;
  const put = async (...ids: string[]) => {
    const empty = { title: "", mediaType: "", collection: "", tags: [], taxonomyPath: "", metadata: {}, language: "" };
    const documents = ids.map((id) => toNewDocument({ ...empty, uri: "", id, text }));
    await store.records.putDocuments(
      "t",
      documents.map((document) => ({ document, passages: [...cutText(document)] })),
      call,
    );
  };
  const vectorCount = async () => (await store.records.collections("t", call))[0]!.active?.vectorCount;
  /** Waits for the first transaction. */
  const firstVectors = async () => {
    for (;;) {
      const have = await vectorCount();
      if (have !== undefined) return have;
      await nextTurn();
    }
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "quartet-equal-"));
    store = await openEmbeddedStore({ folder });
    await put(...Array.from({ length: count }, (_, index) => `d${index}`));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    // The turn that began by the other clock is over.
    await nextTurn();
    await store.close();
    await rm(folder, { recursive: true });
  });

  it("gets its vector in several transactions, between which other calls go on", async () => {
    // Every look at the clock finds the slice used up.
    let now = performance.now();
    jest.spyOn(performance, "now").mockImplementation(() => (now += 1_000));
    const putting = store.vectors.put("t", "default", space, vectors, call);
    expect(await firstVectors()).toBeLessThan(count);
    await store.records.deleteDocuments("t", [`d${count - 1}`, "d0"], call);
    expect(await putting).toEqual({ kind: "stored", count: count - 1 });
    expect(await vectorCount()).toBe(count - 2);
  });

  it("has it, oldest first, where a put of vectors was broken off", async () => {
    const leaving = new AbortController();
    let now = performance.now();
    jest.spyOn(performance, "now").mockImplementation(() => (now += 1_000));
    const putting = store.vectors.put("t", "default", space, vectors, { signal: leaving.signal });
    await firstVectors();
    leaving.abort(new Error("left"));
    await expect(putting).rejects.toThrow("left");
    const before = (await vectorCount())!;
    expect(before).toBeGreaterThan(0);
    await put("new");
    expect(await vectorCount()).toBe(before + 1);
  });

  it("is looked for in the eight oldest passages alone", async () => {
    await store.vectors.put("t", "default", space, vectors, call);
    await store.close();
    const database = new Database(folder);
    database.exec("DELETE FROM vector_1 WHERE passage <= 7");
    database.close();
    store = await openEmbeddedStore({ folder });
    await put("new");
    expect(await vectorCount()).toBe(count - 7 + 1);
    await store.close();
    const again = new Database(folder);
    again.exec("DELETE FROM vector_1 WHERE passage = 8");
    again.close();
    store = await openEmbeddedStore({ folder });
    await put("newer");
    expect(await vectorCount()).toBe(count - 8 + 1);
  });
});
