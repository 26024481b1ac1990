import { Code } from "@connectrpc/connect";
import { quartetError, type Reason } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { createIndexer } from "./indexer.ts";
import type { IndexingPorts, Space } from "./ports.ts";
import { createPace } from "./pace.ts";
import { createRefusedContents } from "./refused-contents.ts";

const error = (reason: Reason, metadata?: Record<string, string>) =>
  quartetError({ code: Code.Unavailable, reason, message: "no", metadata });
const signal = new AbortController().signal;
const tenant = "acme";

interface Index {
  texts: string[];
  active: string | undefined;
  /** Which texts have a vector, by space. */
  vectors: Record<string, Set<string>>;
  /** Which texts are refused for good. */
  refused: Record<string, Set<string>>;
}

interface Setup {
  texts: string[];
  active?: string;
  own?: string;
  pagesPerTurn?: number;
  /** Names of collections; they all are the one index. */
  collections?: string[];
}

function setUp({ texts, active, own = "new", pagesPerTurn = 16, collections = ["default"] }: Setup) {
  const index: Index = {
    texts: [...texts],
    active,
    vectors: { ...(active && { [active]: new Set(texts) }) },
    refused: {},
  };
  const poison = new Set<string>();
  const batches: number[] = [];
  const events: string[] = [];
  const visited: string[] = [];
  const state = {
    now: 0,
    failing: undefined as Reason | undefined,
    refusal: "EMBED_SHAPE" as Reason,
    facts: undefined as Record<string, string> | undefined,
    atOnce: 0,
    mostAtOnce: 0,
    batchSize: 64,
    /** How many texts the embedder does within the time of a call. */
    fitting: Infinity,
    pageSize: 3,
  };
  const has = (space: string, text: string) =>
    (index.vectors[space]?.has(text) ?? false) || (index.refused[space]?.has(text) ?? false);
  const ports: IndexingPorts<Space, string> = {
    space: async () => ({ id: own }),
    collections: async () =>
      collections.map((collection) => ({
        collection,
        passageCount: index.texts.length,
        activeSpaceId: index.active,
        activeVectorCount: index.active === undefined ? 0 : index.vectors[index.active]!.size,
        activeRefusedCount: index.active === undefined ? 0 : (index.refused[index.active]?.size ?? 0),
      })),
    async missing({ collection, spaceId, documentIds, pageSize, pageToken }) {
      visited.push(collection);
      if (collection.startsWith("bad")) throw error("INTERNAL");
      const all = index.texts
        .filter((text) => !has(spaceId, text) && text > pageToken)
        .filter((text) => documentIds.length === 0 || documentIds.includes(text))
        .sort();
      const page = all.slice(0, Math.min(pageSize, state.pageSize));
      return {
        contents: page.map((text) => ({ contentHash: text, text })),
        nextPageToken: all.length > page.length ? page.at(-1)! : "",
      };
    },
    async embed(_, batch) {
      state.atOnce += 1;
      state.mostAtOnce = Math.max(state.mostAtOnce, state.atOnce);
      await Promise.resolve();
      state.atOnce -= 1;
      batches.push(batch.length);
      if (batch.length > state.fitting) throw error("OUT_OF_TIME");
      if (state.failing) throw error(state.failing);
      if (batch.some((text) => poison.has(text))) throw error(state.refusal, state.facts);
      return batch.map((text) => `vector of ${text}`);
    },
    async store({ space, vectors }) {
      for (const { contentHash, vector } of vectors) {
        expect(vector).toBe(`vector of ${contentHash}`);
        (index.vectors[space.id] ??= new Set()).add(contentHash);
      }
      index.active ??= space.id;
      return vectors.length;
    },
    async refuse({ space, contentHashes }) {
      if (index.vectors[space.id] === undefined) return 0;
      for (const hash of contentHashes) (index.refused[space.id] ??= new Set()).add(hash);
      return contentHashes.length;
    },
    async activate({ spaceId }) {
      if (index.texts.some((text) => !has(spaceId, text))) throw error("EMBEDDING_SPACE_INCOMPLETE");
      index.active = spaceId;
    },
  };
  const indexer = createIndexer({
    ports,
    refused: createRefusedContents({ retryAfterMs: 1_000, maxEntries: 100, now: () => state.now }),
    batchSize: () => state.batchSize,
    pace: createPace({ max: 64, shortMs: 1_000, now: () => state.now }),
    pause: async () => undefined,
    events: {
      stored: () => undefined,
      refused: (_, count) => events.push(`refused ${count}`),
      firstVectors: (of) => events.push(`first vectors of ${of}`),
      indexed: (_, count) => events.push(`indexed ${count}`),
      activated: (of, _, id) => events.push(`activated ${id} of ${of}`),
    },
    pagesPerTurn,
  });
  return { index, indexer, poison, batches, events, state, visited };
}

const letters = [..."abcdefgh"];

describe("indexing", () => {
  it("gives an embedder that is slow fewer texts at once, rather than the same again", async () => {
    const { index, indexer, batches, state } = setUp({ texts: [..."abcdefghijkl"] });
    state.pageSize = 12;
    state.fitting = 2;
    await indexer.indexTenant(tenant, signal);
    expect(index.vectors["new"]!.size).toBe(12);
    expect(batches).toEqual([8, 4, 2, 2, 4, 2, 2, 4, 2, 2]);
  });

  it("gives every passage a vector, page by page, and then has nothing to do", async () => {
    const { indexer, index, events } = setUp({ texts: letters });
    expect(await indexer.indexTenant(tenant, signal)).toBe(8);
    expect(index.active).toBe("new");
    expect(events).toEqual(["indexed 8", "first vectors of acme"]);
    expect(await indexer.indexTenant(tenant, signal)).toBe(0);
  });

  it("builds a new space beside the one that is searched, and switches at 100 %", async () => {
    const { indexer, index, events } = setUp({ texts: letters, active: "old" });
    await indexer.indexTenant(tenant, signal);
    expect(index.active).toBe("new");
    expect(events).toEqual(["indexed 8", "activated new of acme"]);
  });

  it("does not switch before a passage that was put meanwhile has its vector", async () => {
    const { indexer, index, state } = setUp({ texts: letters, active: "old" });
    state.batchSize = 3;
    const round = indexer.indexTenant(tenant, signal);
    // Before what is listed already, so that this round's pages have passed it.
    index.texts.push("A");
    await round;
    await indexer.indexTenant(tenant, signal);
    expect(index.vectors["new"]?.has("A")).toBe(true);
    expect(index.active).toBe("new");
  });

  it("finds the one text that spoils a batch, embeds the others, and tries it again only after a while", async () => {
    const { indexer, index, poison, batches, events, state } = setUp({ texts: letters });
    poison.add("e");
    expect(await indexer.indexTenant(tenant, signal)).toBe(7);
    expect(events[0]).toBe("refused 1");
    batches.length = 0;
    expect(await indexer.indexTenant(tenant, signal)).toBe(0);
    expect(batches).toEqual([]);
    poison.clear();
    state.now = 2_000;
    expect(await indexer.indexTenant(tenant, signal)).toBe(1);
    expect(index.vectors["new"]?.size).toBe(8);
  });

  it("switches to a space although a text is refused for what it is, and never asks for that one again", async () => {
    const { indexer, index, poison, batches, state } = setUp({ texts: letters, active: "old" });
    state.refusal = "MESSAGE_TOO_LARGE";
    poison.add("e");
    await indexer.indexTenant(tenant, signal);
    expect([index.active, [...index.refused["new"]!]]).toEqual(["new", ["e"]]);
    batches.length = 0;
    state.now = 2_000;
    expect(await indexer.indexTenant(tenant, signal)).toBe(0);
    expect(batches).toEqual([]);
  });

  it("tries at once what was noted as refused and is listed again, and notes it once more", async () => {
    const { index, indexer, poison, batches, state } = setUp({ texts: letters });
    state.refusal = "FIELD_INVALID";
    poison.add("e").add("f");
    await indexer.indexTenant(tenant, signal);
    expect([...index.refused["new"]!].sort()).toEqual(["e", "f"]);
    // An operator took it back, while one of the two is still refused.
    index.refused["new"]!.clear();
    poison.delete("e");
    batches.length = 0;
    expect(await indexer.indexTenant(tenant, signal)).toBe(1);
    expect([index.vectors["new"]!.has("e"), [...index.refused["new"]!]]).toEqual([true, ["f"]]);
    expect(batches.length).toBeGreaterThan(0);
  });

  it("looks for the text that a provider refuses, where the embedder says that it is about the texts", async () => {
    const { indexer, index, poison, state } = setUp({ texts: letters, active: "old" });
    Object.assign(state, { refusal: "LLM_UNAVAILABLE", pageSize: 8 });
    poison.add("e");
    await expect(indexer.indexTenant(tenant, signal)).rejects.toThrow();
    state.facts = { refusesTexts: "true" };
    await indexer.indexTenant(tenant, signal);
    expect([index.active, [...index.refused["new"]!]]).toEqual(["new", ["e"]]);
  });

  it("takes an odd reply for a refusal when it comes again, and does not switch before", async () => {
    const { indexer, index, poison, state } = setUp({ texts: letters, active: "old" });
    poison.add("e");
    await indexer.indexTenant(tenant, signal);
    await indexer.indexTenant(tenant, signal);
    expect([index.active, index.refused["new"]]).toEqual(["old", undefined]);
    state.now = 2_000;
    await indexer.indexTenant(tenant, signal);
    expect([index.active, [...index.refused["new"]!]]).toEqual(["new", ["e"]]);
  });

  it("takes nothing for refused while the embedder takes no text at all", async () => {
    const { indexer, index, state } = setUp({ texts: letters, active: "new" });
    index.texts.push("i", "j");
    state.failing = "FIELD_INVALID";
    for (const now of [0, 2_000, 4_000]) {
      state.now = now;
      await indexer.indexTenant(tenant, signal);
    }
    expect(index.refused).toEqual({});
    state.failing = undefined;
    state.now = 6_000;
    expect(await indexer.indexTenant(tenant, signal)).toBe(2);
  });

  it("tries a text that one space refuses in another, and notes it where the first vector came later", async () => {
    const { indexer, index, poison, state } = setUp({ texts: ["e"] });
    state.refusal = "FIELD_INVALID";
    poison.add("e");
    await indexer.indexTenant(tenant, signal);
    expect(index.refused).toEqual({});
    index.texts.push("f");
    await indexer.indexTenant(tenant, signal);
    expect([index.active, [...index.refused["new"]!]]).toEqual(["new", ["e"]]);
  });

  it("gives up a round when the embedder is at fault, keeping what was stored", async () => {
    const { indexer, index, state } = setUp({ texts: letters });
    state.batchSize = 1;
    const round = indexer.indexTenant(tenant, signal);
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    state.failing = "LLM_UNAVAILABLE";
    await expect(round).rejects.toThrow();
    const stored = index.vectors["new"]!.size;
    expect(stored).toBeGreaterThan(0);
    state.failing = undefined;
    expect(await indexer.indexTenant(tenant, signal)).toBe(8 - stored);
  });

  it("takes an embedder that refuses one text after the other for what it is", async () => {
    const { indexer, state, events } = setUp({ texts: letters });
    Object.assign(state, { failing: "EMBED_SHAPE", pageSize: 8 });
    await expect(indexer.indexTenant(tenant, signal)).rejects.toThrow();
    expect(events).toEqual([]);
  });

  it("lets documents that somebody waits for go first, one batch at a time in all", async () => {
    const { indexer, index, state } = setUp({ texts: letters });
    state.batchSize = 1;
    const all = indexer.indexTenant(tenant, signal);
    await indexer.indexDocuments({ tenant, collection: "default", documentIds: ["h"] }, signal);
    expect(index.vectors["new"]?.has("h")).toBe(true);
    expect(index.vectors["new"]!.size).toBeLessThan(8);
    await all;
    expect(index.vectors["new"]!.size).toBe(8);
    expect(state.mostAtOnce).toBe(1);
  });

  it("gives a large collection a turn, and switches only when it was gone through whole", async () => {
    const { indexer, index, events } = setUp({ texts: letters, active: "old", pagesPerTurn: 2 });
    expect(await indexer.indexTenant(tenant, signal)).toBe(6);
    expect([index.active, events]).toEqual(["old", ["indexed 6"]]);
    expect(await indexer.indexTenant(tenant, signal)).toBe(2);
    expect(index.active).toBe("new");
  });

  it("goes on past a collection that fails, says so at the end, and stops where all fail alike", async () => {
    const one = setUp({ texts: letters, collections: ["a", "bad", "c"] });
    await expect(one.indexer.indexTenant(tenant, signal)).rejects.toThrow();
    expect([one.visited.at(-1), one.index.vectors["new"]?.size]).toEqual(["c", 8]);
    const every = setUp({ texts: letters, collections: ["bad1", "bad2", "bad3", "bad4", "bad5"] });
    await expect(every.indexer.indexTenant(tenant, signal)).rejects.toThrow();
    expect(every.visited).toEqual(["bad1", "bad2", "bad3"]);
  });

  it("stops when it is told to", async () => {
    const { indexer, state } = setUp({ texts: letters });
    state.batchSize = 1;
    const stop = new AbortController();
    const all = indexer.indexTenant(tenant, stop.signal);
    stop.abort();
    await expect(all).rejects.toThrow();
  });
});
