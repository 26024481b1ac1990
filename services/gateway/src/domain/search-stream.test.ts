import { describe, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { createBudget } from "./budget.ts";
import { createPlans } from "./plans.ts";
import type { Carried, SearchPorts, SearchQuery, SearchResult } from "./ports.ts";
import { searchStream, type StreamedPage, type StreamedSearch } from "./search-stream.ts";
import { type Run, startRun } from "./stages.ts";

const passage = (number: number) => ({
  documentId: `d${number}`,
  ordinal: 0,
  title: "",
  text: "",
  score: 1,
  uri: "",
  documentVersion: 1n,
  keptSpans: [],
  hits: [],
  startOffset: 0,
  endOffset: 0,
});
const plans = createPlans({
  embedTimeoutMs: 100,
  searchTimeoutMs: 1000,
  compressTimeoutMs: 100,
  generateTimeoutMs: 1000,
});

/** Pages of a ranking of so many passages; the token is where the next starts. */
function fakePorts(count: number, change: (query: SearchQuery<Carried>, ids: number[]) => number[] = (_, ids) => ids) {
  const queries: SearchQuery<Carried>[] = [];
  let embedded = 0;
  const ports: SearchPorts<Carried> = {
    embed: async () => {
      embedded += 1;
      return { vector: "v", spaceId: "s", cached: false, usage: undefined };
    },
    search: async (query): Promise<SearchResult<Carried>> => {
      queries.push(query);
      const from = Number(query.pageToken || "0");
      const ids = Array.from({ length: Math.min(query.pageSize, count - from) }, (_, index) => from + index);
      const next = from + ids.length;
      return {
        passages: change(query, ids).map(passage),
        ...{ failures: [], legs: [], sources: [], collections: [], cached: false },
        nextPageToken: next < count ? String(next) : "",
      };
    },
  };
  return { ports, queries, embeddings: () => embedded };
}

const asked = (fields: Partial<StreamedSearch<Carried>> = {}): StreamedSearch<Carried> => ({
  query: "q",
  pageSize: 4,
  options: undefined,
  keywordsOnly: false,
  maxPassageCount: 100,
  ...fields,
});

function partsOf(ports: SearchPorts<Carried>) {
  const signal = new AbortController().signal;
  const begun: string[] = [];
  const slept: number[] = [];
  return {
    begun,
    slept,
    parts: {
      ports,
      beginRun: (plan: "search" | "furtherPage"): Run => {
        begun.push(plan);
        const budget = createBudget(plans[plan], 10_000, () => performance.now());
        return startRun(budget, { signal, origin: undefined, leftOut: () => undefined });
      },
      sleep: async (ms: number) => void slept.push(ms),
    },
  };
}

const collect = async (pages: AsyncIterable<StreamedPage<Carried>>) => {
  const all: StreamedPage<Carried>[] = [];
  for await (const page of pages) all.push(page);
  return all;
};
const idsOf = (pages: readonly StreamedPage<Carried>[]) =>
  pages.flatMap(({ result }) => result.passages.map(({ documentId }) => documentId));

describe("a stream of a search", () => {
  it("gives page after page to the last, and embeds once", async () => {
    const { ports, queries, embeddings } = fakePorts(10);
    const { parts, begun } = partsOf(ports);
    const pages = await collect(searchStream(asked(), parts));
    expect(idsOf(pages)).toEqual(Array.from({ length: 10 }, (_, number) => `d${number}`));
    expect(pages.map(({ last }) => last)).toEqual([false, false, true]);
    expect(embeddings()).toBe(1);
    expect(queries.every(({ vector }) => vector?.vector === "v")).toBe(true);
    expect(begun).toEqual(["search", "furtherPage", "furtherPage"]);
    // Each page tells of itself alone: nothing piles up.
    expect(pages.map(({ timings }) => timings.stages.map(({ stage }) => stage))).toEqual([
      ["embed", "search"],
      ["search"],
      ["search"],
    ]);
  });

  it("asks for a page when the one before was taken, and no sooner", async () => {
    const { ports, queries } = fakePorts(100);
    const pages = searchStream(asked(), partsOf(ports).parts);
    await pages.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(queries).toHaveLength(1);
    await pages.next();
    expect(queries).toHaveLength(2);
    await pages.return();
    expect(queries).toHaveLength(2);
  });

  it("ends with as many passages as were asked for, and the token to go on with", async () => {
    const { ports, queries } = fakePorts(100);
    const { parts } = partsOf(ports);
    const pages = await collect(searchStream(asked({ maxPassageCount: 10 }), parts));
    expect(idsOf(pages)).toHaveLength(10);
    expect(queries.map(({ pageSize }) => pageSize)).toEqual([4, 4, 2]);
    expect(pages.at(-1)).toMatchObject({ last: true, result: { nextPageToken: "10" } });
    const rest = await collect(searchStream(asked({ pageToken: "10", maxPassageCount: 3 }), parts));
    expect(idsOf(rest)).toEqual(["d10", "d11", "d12"]);
  });

  it("gives nothing twice that a change has moved, and no empty page but the last", async () => {
    const { ports } = fakePorts(12, ({ pageToken }, ids) => (pageToken === "4" ? [0, 1, 2, 3] : ids));
    const pages = await collect(searchStream(asked(), partsOf(ports).parts));
    expect(idsOf(pages)).toEqual(["d0", "d1", "d2", "d3", "d8", "d9", "d10", "d11"]);
    expect(pages.map(({ result, last }) => [result.passages.length, last])).toEqual([
      [4, false],
      [4, true],
    ]);
    const none = await collect(searchStream(asked(), partsOf(fakePorts(0).ports).parts));
    expect(none.map(({ result, last }) => [result.passages.length, last])).toEqual([[0, true]]);
  });

  it("asks for a further page again when a store was away for a moment, and not for the first", async () => {
    const away = quartetError({ code: Code.Unavailable, reason: "UPSTREAM_FAILED", message: "x", retryDelayMs: 70 });
    const failing = (at: string, times: number) => {
      const { ports } = fakePorts(10);
      let left = times;
      const search: typeof ports.search = async (query, call) => {
        if (query.pageToken === at && left-- > 0) throw away;
        return ports.search(query, call);
      };
      return partsOf({ ...ports, search });
    };
    const twice = failing("4", 2);
    expect(idsOf(await collect(searchStream(asked(), twice.parts)))).toHaveLength(10);
    expect(twice.slept).toEqual([70, 70]);
    await expect(collect(searchStream(asked(), failing("4", 3).parts))).rejects.toBe(away);
    await expect(collect(searchStream(asked(), failing("", 1).parts))).rejects.toBe(away);
  });
});
