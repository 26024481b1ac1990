import { Code } from "@connectrpc/connect";
import { quartetError, type Reason } from "@quartet/errors";
import { describe, expect, it } from "@jest/globals";
import { createIndexer } from "./indexer.ts";
import type { IndexingPorts, Space } from "./ports.ts";
import { createRefusedContents } from "./refused-contents.ts";

const error = (reason: Reason) => quartetError({ code: Code.Unavailable, reason, message: "no" });
const signal = new AbortController().signal;

interface Index {
  texts: string[];
  active: string | undefined;
  /** Which texts have a vector, by space. */
  vectors: Record<string, Set<string>>;
}

function setUp({ texts, active, own = "new" }: { texts: string[]; active?: string; own?: string }) {
  const index: Index = { texts: [...texts], active, vectors: { ...(active && { [active]: new Set(texts) }) } };
  const poison = new Set<string>();
  const batches: number[] = [];
  const events: string[] = [];
  const state = {
    now: 0,
    failing: undefined as Reason | undefined,
    atOnce: 0,
    mostAtOnce: 0,
    batchSize: 64,
    pageSize: 3,
  };
  const has = (space: string, text: string) => index.vectors[space]?.has(text) ?? false;
  const ports: IndexingPorts<Space, string> = {
    space: async () => ({ id: own }),
    collections: async () => [
      {
        collection: "default",
        passageCount: index.texts.length,
        activeSpaceId: index.active,
        activeVectorCount: index.active === undefined ? 0 : index.vectors[index.active]!.size,
      },
    ],
    async missing({ spaceId, documentIds, pageSize, pageToken }) {
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
    async embed(batch) {
      state.atOnce += 1;
      state.mostAtOnce = Math.max(state.mostAtOnce, state.atOnce);
      await Promise.resolve();
      state.atOnce -= 1;
      batches.push(batch.length);
      if (state.failing) throw error(state.failing);
      if (batch.some((text) => poison.has(text))) throw error("EMBED_SHAPE");
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
    async activate({ spaceId }) {
      if (index.texts.some((text) => !has(spaceId, text))) throw error("EMBEDDING_SPACE_INCOMPLETE");
      index.active = spaceId;
    },
  };
  const indexer = createIndexer({
    ports,
    refused: createRefusedContents({ retryAfterMs: 1_000, maxEntries: 100, now: () => state.now }),
    batchSize: () => state.batchSize,
    pause: async () => undefined,
    events: {
      stored: () => undefined,
      refused: (_, count) => events.push(`refused ${count}`),
      firstVectors: () => events.push("first vectors"),
      indexed: (_, count) => events.push(`indexed ${count}`),
      activated: (_, id) => events.push(`activated ${id}`),
    },
  });
  return { index, indexer, poison, batches, events, state };
}

const letters = [..."abcdefgh"];

describe("indexing", () => {
  it("gives every passage a vector, page by page, and then has nothing to do", async () => {
    const { indexer, index, events } = setUp({ texts: letters });
    expect(await indexer.indexAll(signal)).toBe(8);
    expect(index.active).toBe("new");
    expect(events).toEqual(["indexed 8", "first vectors"]);
    expect(await indexer.indexAll(signal)).toBe(0);
  });

  it("builds a new space beside the one that is searched, and switches at 100 %", async () => {
    const { indexer, index, events } = setUp({ texts: letters, active: "old" });
    await indexer.indexAll(signal);
    expect(index.active).toBe("new");
    expect(events).toEqual(["indexed 8", "activated new"]);
  });

  it("does not switch before a passage that was put meanwhile has its vector", async () => {
    const { indexer, index, state } = setUp({ texts: letters, active: "old" });
    state.batchSize = 3;
    const round = indexer.indexAll(signal);
    // Before what is listed already, so that this round's pages have passed it.
    index.texts.push("A");
    await round;
    await indexer.indexAll(signal);
    expect(index.vectors["new"]?.has("A")).toBe(true);
    expect(index.active).toBe("new");
  });

  it("finds the one text that spoils a batch, embeds the others, and tries it again only after a while", async () => {
    const { indexer, index, poison, batches, events, state } = setUp({ texts: letters });
    poison.add("e");
    expect(await indexer.indexAll(signal)).toBe(7);
    expect(events[0]).toBe("refused 1");
    batches.length = 0;
    expect(await indexer.indexAll(signal)).toBe(0);
    expect(batches).toEqual([]);
    poison.clear();
    state.now = 2_000;
    expect(await indexer.indexAll(signal)).toBe(1);
    expect(index.vectors["new"]?.size).toBe(8);
  });

  it("never switches to a space that lacks a passage which cannot be embedded", async () => {
    const { indexer, index, poison } = setUp({ texts: letters, active: "old" });
    poison.add("e");
    await indexer.indexAll(signal);
    expect(index.active).toBe("old");
  });

  it("gives up a round when the embedder is at fault, keeping what was stored", async () => {
    const { indexer, index, state } = setUp({ texts: letters });
    state.batchSize = 1;
    const round = indexer.indexAll(signal);
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    state.failing = "LLM_UNAVAILABLE";
    await expect(round).rejects.toThrow();
    const stored = index.vectors["new"]!.size;
    expect(stored).toBeGreaterThan(0);
    state.failing = undefined;
    expect(await indexer.indexAll(signal)).toBe(8 - stored);
  });

  it("takes an embedder that refuses one text after the other for what it is", async () => {
    const { indexer, state, events } = setUp({ texts: letters });
    Object.assign(state, { failing: "EMBED_SHAPE", pageSize: 8 });
    await expect(indexer.indexAll(signal)).rejects.toThrow();
    expect(events).toEqual([]);
  });

  it("lets documents that somebody waits for go first, one batch at a time in all", async () => {
    const { indexer, index, state } = setUp({ texts: letters });
    state.batchSize = 1;
    const all = indexer.indexAll(signal);
    await indexer.indexDocuments({ collection: "default", documentIds: ["h"] }, signal);
    expect(index.vectors["new"]?.has("h")).toBe(true);
    expect(index.vectors["new"]!.size).toBeLessThan(8);
    await all;
    expect(index.vectors["new"]!.size).toBe(8);
    expect(state.mostAtOnce).toBe(1);
  });

  it("stops when it is told to", async () => {
    const { indexer, state } = setUp({ texts: letters });
    state.batchSize = 1;
    const stop = new AbortController();
    const all = indexer.indexAll(stop.signal);
    stop.abort();
    await expect(all).rejects.toThrow();
  });
});
