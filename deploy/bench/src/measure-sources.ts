import { setTimeout as sleep } from "node:timers/promises";
import {
  createSearcher,
  type Searcher,
  type SearcherOptions,
  type SearchRequest,
} from "@quartet/retrieval-service/floor";
import { hybridRequest } from "./hybrid-request.ts";
import { type ParallelRound, type ParallelTimes, summarise } from "./parallel-times.ts";

/** What stands behind a source, and how long it takes to answer. */
const delaysMs = { corpus: 300, persona: 200, domain: 200, graph: 150 } as const;
export type SourceName = keyof typeof delaysMs;
export const sourceNames = Object.keys(delaysMs) as SourceName[];

const collectionsOf = (name: SourceName) => ({ name, collections: [name] });
const sources: SearcherOptions["sources"] = [
  { ...collectionsOf("corpus"), kind: "keyword" },
  { ...collectionsOf("persona"), kind: "vector" },
  { ...collectionsOf("domain"), kind: "keyword" },
  { ...collectionsOf("graph"), kind: "graph" },
];

/** Of all sources: over what the slowest takes, so that only one that hangs meets it. */
export const defaultTimeLimitMs = 400;

export interface SourcesTimes extends ParallelTimes {
  /** Whether the median round ended by 315 ms. */
  readonly met: boolean;
}

/** One source that does not answer, and what became of the search. */
export interface SourceFault {
  readonly source: SourceName;
  readonly fault: "fails" | "hangs";
  readonly wallMs: number;
  /** Those whose passages came. */
  readonly answered: readonly string[];
  /** The one that is named as failed, with the reason. */
  readonly named: string;
}

/** The target: the slowest source and 5 %. */
const targetMs = 315;

type Fault = { readonly source: SourceName; readonly fault: SourceFault["fault"] } | undefined;

/** At once and one after the other, round by round, so that both meet the same machine. */
export async function measureSources({ rounds }: { readonly rounds: number }): Promise<SourcesTimes> {
  const search = searcherOf(undefined, 10_000);
  await search("parallel");
  const seen: ParallelRound[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { wallMs: parallelMs } = await search("parallel");
    const { wallMs: sequentialMs } = await search("sequential");
    seen.push({ parallelMs, sequentialMs });
  }
  const times = summarise(seen);
  return { ...times, met: times.parallelMs <= targetMs };
}

/** Each source failing and hanging in turn. */
export async function measureFaults({ timeLimitMs = defaultTimeLimitMs } = {}): Promise<readonly SourceFault[]> {
  const faults: SourceFault[] = [];
  for (const source of sourceNames) {
    for (const fault of ["fails", "hangs"] as const) {
      const { result, wallMs } = await searcherOf({ source, fault }, timeLimitMs)("parallel");
      const answered = result.sources.filter(({ status }) => status === "ok").map((each) => each.source);
      const failed = result.sources.filter(({ status }) => status !== "ok");
      const named = failed.map((each) => `${each.source} ${each.reason}`).join(", ");
      faults.push({ source, fault, wallMs, answered, named });
    }
  }
  return faults;
}

export interface SlowSearcherOptions {
  readonly timeLimitMs: number;
  readonly fault?: Fault;
  /** The space in which questions come as vectors. */
  readonly space: { readonly id: string; readonly dimensions: number; readonly denseWeight: number };
  /** Default: an ordinal, and nothing to show. */
  readonly passageOf?: (id: number) => object;
}

/** The service's own search, over stores that take their time. */
export function createSlowSearcher({ fault, timeLimitMs, space, passageOf }: SlowSearcherOptions): Searcher {
  const answer = async (_tenant: string, { collections: [name] }: { readonly collections: readonly string[] }) => {
    const source = name as SourceName;
    if (fault?.source === source && fault.fault === "hangs") await new Promise(() => {});
    await sleep(delaysMs[source]);
    if (fault?.source === source) throw new Error("the store fails");
    const first = sourceNames.indexOf(source) * 50;
    return {
      hits: Array.from({ length: 100 }, (_each, rank) => ({
        ...{ passageId: first + rank, documentId: `d${first + rank}`, ordinal: 0, score: 100 - rank },
      })),
    };
  };
  const collections = sourceNames.map((collection) => ({
    state: { collection, recordSeq: 1, projectedSeq: 1 },
    documentCount: 1_000,
    passageCount: 1_000,
    active: { space, vectorCount: 1_000 },
  }));
  const stores = {
    records: {
      collections: async () => collections,
      passages: async (_tenant: string, ids: readonly number[]) =>
        new Map(ids.map((id) => [id, { ordinal: id, ...passageOf?.(id) }])),
    },
    keywords: { search: answer },
    vectors: { search: answer },
    graph: { search: answer, hasEntities: async () => true, version: async () => 1 },
  } as unknown as SearcherOptions["stores"];
  return createSearcher({ stores, sources, legTimeLimitMs: timeLimitMs });
}

function searcherOf(fault: Fault, timeLimitMs: number) {
  const space = { id: "a".repeat(16), dimensions: 2, denseWeight: 0.3 };
  const search = createSlowSearcher({ fault, timeLimitMs, space });
  const vector = { value: { kind: "float32", values: Float32Array.of(1, 0) }, spaceId: space.id } as const;
  const request = hybridRequest("question", vector);
  const { signal } = new AbortController();
  return async (execution: SearchRequest["execution"]) => {
    const started = performance.now();
    const result = await search("default", { ...request, execution }, { signal });
    return { result, wallMs: performance.now() - started };
  };
}
