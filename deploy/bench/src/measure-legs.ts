import { setTimeout as sleep } from "node:timers/promises";
import { createSearcher, type SearcherOptions, type SearchRequest } from "@quartet/retrieval-service/floor";
import { hybridRequest } from "./hybrid-request.ts";
import { median, quantile } from "./load.ts";

/** Searches with one number of legs: medians over the rounds, in milliseconds. */
export interface LegsCell {
  readonly legCount: number;
  /** As measured in the leg itself: what a timer overshoots is the engine's time, not the fan-out's. */
  readonly slowestMs: number;
  readonly parallelMs: number;
  /** What the search took beyond its slowest leg: everything around the legs, fusion included. */
  readonly addedMs: number;
  readonly addedP95Ms: number;
  readonly ratio: number;
  readonly sequentialMs: number;
  readonly speedUp: number;
  /** The share of rounds within 1.05 x the slowest leg + 1 ms. */
  readonly withinShare: number;
  /** Whether the median round was. */
  readonly met: boolean;
}

export interface MeasureLegsOptions {
  /** Each even: a source has two legs. */
  readonly legCounts: readonly number[];
  readonly rounds: number;
}

/** Legs answer after 20 ms and more, each 3 ms later than the one before, so that the slowest is known and never alone by far. */
const delayOf = (leg: number): number => 20 + 3 * leg;

const request = hybridRequest("question", {
  value: { kind: "float32", values: Float32Array.of(1, 0) },
  spaceId: "a".repeat(16),
});

/** Runs each number of legs at once and one after the other, round by round, so that both meet the same machine. */
export async function measureLegs({ legCounts, rounds }: MeasureLegsOptions): Promise<readonly LegsCell[]> {
  const searches = legCounts.map(delayedSearch);
  const cells: { slowestMs: number; parallelMs: number; sequentialMs: number }[][] = legCounts.map(() => []);
  for (const search of searches) await search("parallel");
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, search] of searches.entries()) {
      const parallel = await search("parallel");
      const sequential = await search("sequential");
      cells[index]!.push({ ...parallel, parallelMs: parallel.wallMs, sequentialMs: sequential.wallMs });
    }
  }
  return legCounts.map((legCount, index) => toCell(legCount, cells[index]!));
}

function delayedSearch(legCount: number) {
  let asked = 0;
  const answer = async () => {
    const leg = asked++;
    await sleep(delayOf(leg));
    return {
      hits: Array.from({ length: 100 }, (_, rank) => {
        const passageId = leg * 50 + rank;
        return { passageId, documentId: `d${passageId}`, ordinal: 0, score: 100 - rank };
      }),
    };
  };
  const space = { id: "a".repeat(16), dimensions: 2, denseWeight: 0.3 };
  // Each source searches a collection of its own: equal legs would be asked as one.
  const names = Array.from({ length: legCount / 2 }, (_, index) => `collection${index}`);
  const collections = names.map((collection) => ({
    state: { collection, recordSeq: 1, projectedSeq: 1 },
    documentCount: 1_000,
    passageCount: 1_000,
    active: { space, vectorCount: 1_000 },
  }));
  const stores = {
    records: {
      collections: async () => collections,
      passages: async (_tenant: string, ids: readonly number[]) => new Map(ids.map((id) => [id, { ordinal: id }])),
    },
    keywords: { search: answer },
    vectors: { search: answer },
  } as unknown as SearcherOptions["stores"];
  const sources = names.map((name) => ({ name, kind: "hybrid" as const, collections: [name] }));
  const search = createSearcher({ stores, sources, legTimeLimitMs: 10_000 });
  const { signal } = new AbortController();
  return async (execution: SearchRequest["execution"]) => {
    asked = 0;
    const started = performance.now();
    const { legs } = await search("default", { ...request, execution }, { signal });
    const wallMs = performance.now() - started;
    if (legs.some(({ status }) => status !== "ok")) throw new Error("a leg failed in the benchmark");
    return { wallMs, slowestMs: Math.max(...legs.map(({ elapsedMs }) => elapsedMs)) };
  };
}

function toCell(
  legCount: number,
  rounds: readonly { readonly slowestMs: number; readonly parallelMs: number; readonly sequentialMs: number }[],
): LegsCell {
  const added = rounds.map(({ parallelMs, slowestMs }) => parallelMs - slowestMs).sort((left, right) => left - right);
  const within = rounds.filter(({ parallelMs, slowestMs }) => parallelMs <= 1.05 * slowestMs + 1);
  return {
    legCount,
    slowestMs: median(rounds.map(({ slowestMs }) => slowestMs)),
    parallelMs: median(rounds.map(({ parallelMs }) => parallelMs)),
    addedMs: median(added),
    addedP95Ms: quantile(added, 0.95),
    ratio: median(rounds.map(({ parallelMs, slowestMs }) => parallelMs / slowestMs)),
    sequentialMs: median(rounds.map(({ sequentialMs }) => sequentialMs)),
    speedUp: median(rounds.map(({ sequentialMs, parallelMs }) => sequentialMs / parallelMs)),
    withinShare: within.length / rounds.length,
    met: within.length >= rounds.length / 2,
  };
}
