import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { createElasticsearch, type ElasticsearchStore } from "../src/adapters/elasticsearch/open.ts";
import type { Outbox } from "../src/domain/outbox.ts";
import { IndexMissingError } from "../src/domain/projection.ts";
import { createProjector, projectOnce } from "../src/domain/projector.ts";
import {
  RebuildMismatchError,
  type RebuildParts,
  type RebuildProgress,
  rebuildIndex,
  RebuildRunningError,
  restoreIndex,
} from "../src/domain/rebuild.ts";
import { cutDocument, never } from "./contract/subject.ts";
import { createMemoryRecord } from "./memory-record.ts";

describeWithStores("building the keyword index anew", ["elasticsearch"], ({ elasticsearch }) => {
  let drop: () => Promise<void>;
  let store: ElasticsearchStore;
  let record: ReturnType<typeof createMemoryRecord>;
  let parts: RebuildParts;
  beforeEach(async () => {
    const { prefix, url, drop: dropPrefix } = elasticsearch.createPrefix();
    drop = dropPrefix;
    store = createElasticsearch({ url, indexPrefix: prefix, replicas: 0 });
    record = createMemoryRecord();
    parts = { outbox: record.outbox, lease: record.lease, writer: store.writer, limits: { maxDocuments: 3 } };
  });
  afterEach(async () => {
    await store.close();
    await drop();
  });

  const put = (...ids: string[]) =>
    record.records.putDocuments(
      "t",
      ids.map((id) => cutDocument(id, { text: `사과 ${id}`, metadata: { id } })),
      never,
    );
  const settle = async () => {
    while ((await projectOnce(parts, never)) > 0);
  };
  const find = async () => {
    const query = { text: "사과", collections: ["default"], filter: undefined, limit: 100 };
    const { hits } = await store.keywords.search("t", query, never);
    return hits.map(({ documentId }) => documentId).sort();
  };
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `d${index}`).sort();
  /** As `parts`, with something that happens after a page was read and before it is written. */
  const withPages = (onPage: () => Promise<unknown>): RebuildParts => {
    const outbox: Outbox = {
      ...record.outbox,
      documents: async (...given) => {
        const page = await record.outbox.documents(...given);
        await onPage();
        return page;
      },
    };
    return { ...parts, outbox };
  };

  it("makes the first one, empty or not, and searches without one are an error", async () => {
    await expect(find()).rejects.toThrow(IndexMissingError);
    await put(...ids(7));
    expect(await restoreIndex(parts, never)).toBe(true);
    expect(await find()).toEqual(ids(7));
    const served = await store.writer.serving(never);
    expect([await record.outbox.indexes(never), await store.writer.indexes(never)]).toEqual([[served], [served]]);
    expect(store.writer.isCurrent(served!)).toBe(true);
    expect(await restoreIndex(parts, never)).toBe(true);
    expect(await store.writer.serving(never)).toBe(served);
  });

  it("swaps it in without a gap, with everything that was written and deleted meanwhile", async () => {
    await put(...ids(20));
    await restoreIndex(parts, never);
    await settle();
    const old = await store.writer.serving(never);
    let pages = 0;
    const progress: RebuildProgress[] = [];
    const during = withPages(async () => {
      pages += 1;
      expect(await find()).toContain("d9");
      if (pages === 1) {
        // Of the page that was read and is not written yet.
        await record.records.deleteDocuments("t", ["d0"], never);
        await put("새 문서");
        await record.records.putDocuments("t", [cutDocument("d1", { text: "사과 다른 글" })], never);
        await settle();
      }
      // Of a page that is written already; left to the projector.
      if (pages === 3) await record.records.deleteDocuments("t", ["d2"], never);
    });
    await rebuildIndex(during, { ...never, onProgress: (now) => progress.push(now) });
    await settle();
    expect(await find()).toEqual(["새 문서", ...ids(20)].filter((id) => id !== "d0" && id !== "d2").sort());
    const query = { text: "다른", collections: ["default"], filter: undefined, limit: 9 };
    expect((await store.keywords.search("t", query, never)).hits.map(({ documentId }) => documentId)).toEqual(["d1"]);
    const served = await store.writer.serving(never);
    expect(served).not.toBe(old);
    expect([await record.outbox.indexes(never), await store.writer.indexes(never)]).toEqual([[served], [served]]);
    expect(progress[0]).toEqual({ doneCount: 0, totalCount: 20 });
    expect(progress.at(-1)!.doneCount).toBeGreaterThanOrEqual(19);
  });

  it("leaves alone what another process has begun that got the lease meanwhile", async () => {
    await put(...ids(4));
    await restoreIndex(parts, never);
    const old = await store.writer.serving(never);
    let others: string | undefined;
    // The connection of the lease was lost, and nobody has noticed yet.
    const during = withPages(async () => {
      others ??= await store.writer.create(never);
      await record.outbox.setIndexes([old!, others], never);
    });
    await expect(rebuildIndex(during, never)).rejects.toThrow(RebuildRunningError);
    expect(await store.writer.serving(never)).toBe(old);
    expect(await record.outbox.indexes(never)).toEqual([old, others]);
    expect((await store.writer.indexes(never)).toSorted()).toEqual([old, others].toSorted());
  });

  it("stopped or failed, leaves the old one and nothing else", async () => {
    await put(...ids(9));
    await restoreIndex(parts, never);
    const old = await store.writer.serving(never);
    const leaving = new AbortController();
    const stopped = withPages(async () => leaving.abort(new Error("left")));
    await expect(rebuildIndex(stopped, { signal: leaving.signal })).rejects.toThrow("left");
    const lossy: RebuildParts = {
      ...parts,
      writer: { ...store.writer, write: (to, changes, call) => store.writer.write(to, changes.slice(1), call) },
    };
    await settle();
    await expect(rebuildIndex(lossy, never)).rejects.toThrow(RebuildMismatchError);
    expect(await store.writer.serving(never)).toBe(old);
    expect([await record.outbox.indexes(never), await store.writer.indexes(never)]).toEqual([[old], [old]]);
    await put("later");
    await settle();
    expect(await find()).toEqual([...ids(9), "later"]);
  });

  it("is done by one at a time", async () => {
    await put("d0");
    await restoreIndex(parts, never);
    const second = withPages(async () => {
      await expect(rebuildIndex(parts, never)).rejects.toThrow(RebuildRunningError);
      expect(await restoreIndex(parts, never)).toBe(false);
    });
    await rebuildIndex(second, never);
  });

  it("forgets what a killed process left half built", async () => {
    await put(...ids(3));
    await restoreIndex(parts, never);
    await settle();
    const served = await store.writer.serving(never);
    const half = await store.writer.create(never);
    await record.outbox.setIndexes([served!, half], never);
    await restoreIndex(parts, never);
    expect([await record.outbox.indexes(never), await store.writer.indexes(never)]).toEqual([[served], [served]]);
  });

  it("is done by the projector itself when the index is lost, whoever deleted it", async () => {
    await put(...ids(3));
    const projector = createProjector({ ...parts, pollMs: 20, baseBackOffMs: 1 });
    projector.start();
    try {
      const eventually = async (expected: readonly string[]) => {
        const end = Date.now() + 25_000;
        for (let found: readonly string[] | undefined; JSON.stringify(found) !== JSON.stringify(expected);) {
          if (Date.now() > end) throw new Error(`found ${JSON.stringify(found)}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
          found = await find().catch(() => undefined);
        }
      };
      await eventually(ids(3));
      await record.records.deleteDocuments("t", ["d1"], never);
      projector.notify();
      await eventually(["d0", "d2"]);
      const served = await store.writer.serving(never);
      // As an operator would, past all of this.
      await fetch(new URL(served!, elasticsearch.url), { method: "DELETE" });
      await put("d3");
      projector.notify();
      await eventually(["d0", "d2", "d3"]);
    } finally {
      await projector.stop();
    }
  }, 60_000);

  it("answers in the record's place: collections and passages of one tenant, as they were given", async () => {
    await restoreIndex(parts, never);
    const metadata = { __proto__x: 1, 깊이: [[[{ a: null }]]], year: 2024.5, "a-b": [true, "x"] };
    const fields = {
      title: "제목",
      tags: ["하나"],
      taxonomyPath: "law/tax",
      metadata,
      collection: "laws",
      text: "사과 😀",
    };
    await record.records.putDocuments("t", [cutDocument("a", fields), cutDocument("b")], never);
    await record.records.putDocuments("u", [cutDocument("a", { text: "남의 것" })], never);
    await settle();
    const expected = await record.records.collections("t", never);
    const projected = await store.projection.collections("t", never);
    const unknown = { recordSeq: 0, projectedSeq: 0 };
    expect(projected).toEqual(expected.map(({ state, ...rest }) => ({ ...rest, state: { ...state, ...unknown } })));
    const all = [1, 2, 3, 4];
    const passages = await store.projection.passages("t", all, never);
    const genuine = await record.records.passages("t", all, never);
    expect([...passages.keys()].sort()).toEqual([...genuine.keys()].sort());
    for (const [id, { ordinal, startOffset, endOffset, text, document }] of genuine) {
      expect(passages.get(id)).toEqual({ ordinal, startOffset, endOffset, text, document });
    }
  });
});
