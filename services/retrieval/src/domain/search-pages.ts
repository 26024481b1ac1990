import type { Collection } from "./collection.ts";
import { fuse, type FusedHit } from "./fusion.ts";
import { type LaterPage, nextAfterFused, readLaterPage } from "./later-page.ts";
import { type Leg, type LegOutcome, reportLeg } from "./leg.ts";
import { type PageStart, startInFused } from "./page-start.ts";
import type { Deadlines } from "./search-deadlines.ts";
import { AllSourcesFailedError } from "./search-errors.ts";
import type { KeyedSearch } from "./search-key.ts";
import { lags, legsOf, type StoreGuards } from "./search-legs.ts";
import { planOf } from "./search-plan.ts";
import { createPassageReader, type PassageReader, readPage, type SearchRecord } from "./search-record.ts";
import type { SearchRequest, SearchResult } from "./search-request.ts";
import { rerank, type Reranking } from "./search-rerank.ts";
import { runLegs } from "./search-run.ts";
import { reportSource, weightOf } from "./source.ts";
import type { Stores } from "./stores.ts";

export interface PagesOptions {
  readonly stores: Stores;
  readonly guards: StoreGuards;
  readonly record: SearchRecord;
  readonly legTimeLimitMs: number;
  readonly reranking?: Reranking | undefined;
  readonly keywordLagMs?: (() => number | Promise<number>) | undefined;
  readonly onLeg?: ((outcome: LegOutcome) => void) | undefined;
  readonly onRerankError?: ((error: unknown) => void) | undefined;
}

/** One search with all that its legs are made from. */
export interface AskedSearch extends KeyedSearch {
  readonly recordError: unknown;
  /** The names of all collections that there are. */
  readonly existing: ReadonlySet<string>;
}

/** Legs, fusion, reranker and passages, in this order. Both throw AllSourcesFailedError and the signal's reason. */
export interface Pages {
  first(asked: AskedSearch, signal: AbortSignal, deadlines: Deadlines): Promise<SearchResult>;
  /** Throws PageInterruptedError as well: what is missing from what the first page had could not be told from what was given. */
  later(asked: AskedSearch, start: PageStart, signal: AbortSignal, deadlines: Deadlines): Promise<SearchResult>;
}

/** Changes reach the keyword index within a second or so: only what waits longer than this is worth a word. */
const keywordLagLimitMs = 5_000;

export function createPages(options: PagesOptions): Pages {
  return {
    async first(asked, signal, deadlines) {
      const { candidateLimit, pageSize } = asked.request;
      const { legs, reader, ...steps } = await stepsOf(asked, signal, deadlines, options);
      const outcomes = await steps.run(legs);
      const answered = outcomes.filter(isAnswered);
      if (answered.length === 0 && outcomes.some(couldNotBeAsked)) throw new AllSourcesFailedError(outcomes);
      const fused = steps.fuse(answered);
      const candidates = fused.slice(0, candidateLimit);
      const ordered = await steps.rerank(candidates);
      const { passages, taken } = await readPage(ordered?.hits ?? candidates, pageSize, reader);
      const isReranked = ordered?.failed === false;
      const start = startInFused(planOf(asked), outcomes, { fusedOffset: taken, isReranked });
      const next = nextAfterFused(start, fused, legs, outcomes);
      return resultOf(asked, { passages, outcomes, next, reader, notReranked: ordered?.failed ?? false });
    },

    async later(asked, start, signal, deadlines) {
      const { candidateLimit, pageSize } = asked.request;
      const { rerank: reorder, ...steps } = await stepsOf(asked, signal, deadlines, options);
      const page = await readLaterPage(start, {
        ...{ ...steps, candidateLimit, pageSize, signal, legsAt: deadlines.legsAt, onLeg: options.onLeg },
        rerank: async (candidates) => {
          const ordered = await reorder(candidates);
          return ordered?.failed === false ? ordered.hits : undefined;
        },
      });
      return resultOf(asked, { ...page, reader: steps.reader, notReranked: false });
    },
  };
}

/** The steps of a search, which the first page and later ones take in their own ways. */
async function stepsOf(asked: AskedSearch, signal: AbortSignal, deadlines: Deadlines, options: PagesOptions) {
  const { tenant, request, collections, existing, recordError } = asked;
  const { stores, guards, record, legTimeLimitMs, reranking, onLeg } = options;
  const keywordsLag = collections.some(lags) && ((await options.keywordLagMs?.()) ?? 0) > keywordLagLimitMs;
  const parts = { stores, guards, collections, existing, recordError, keywordsLag, legTimeLimitMs };
  const { execution } = request;
  const reader = createPassageReader((ids) => {
    const limitMs = Math.min(legTimeLimitMs, deadlines.endAt - performance.now());
    return record.passages(tenant, ids, { signal, limitMs });
  });
  const rerankCall = { signal, endAt: deadlines.rerankAt, read: reader.read, onError: options.onRerankError };
  return {
    legs: asked.sources.flatMap((source) => legsOf(source, tenant, request, parts)),
    run: (legs: readonly Leg[]) => runLegs(legs, { signal, execution, endAt: deadlines.legsAt, onLeg }),
    fuse: (answered: readonly LegOutcome[]) =>
      fuse(answered, {
        method: request.fusion,
        vectorWeight: request.vectorWeight ?? denseWeightOf(request, collections),
        sourceWeights: new Map(asked.sources.map((source) => [source.name, weightOf(source)])),
      }),
    rerank: async (candidates: readonly FusedHit[]) =>
      reranking && (await rerank(candidates, asked, reranking, rerankCall)),
    reader,
  };
}

function resultOf(
  asked: AskedSearch,
  page: LaterPage & { readonly reader: PassageReader; readonly notReranked: boolean },
): SearchResult {
  const { outcomes, passages, notReranked, next, reader } = page;
  const ofSource = Map.groupBy(outcomes, ({ source }) => source);
  return {
    passages,
    legs: outcomes.map(reportLeg),
    sources: asked.sources.map((source) => reportSource(source, ofSource.get(source.name) ?? [])),
    notReranked,
    withoutRecord: asked.recordError !== undefined || reader.fromProjection,
    collections: asked.collections.map(({ state }) => state),
    cached: false,
    next,
  };
}

const isAnswered = ({ status }: LegOutcome): boolean => status === "ok" || status === "partial";

const couldNotBeAsked = ({ status, reason }: LegOutcome): boolean => status === "failed" || reason === "CIRCUIT_OPEN";

function denseWeightOf({ vector }: SearchRequest, collections: readonly Collection[]): number {
  const spaces = collections.map(({ active }) => active?.space);
  return spaces.find((space) => space !== undefined && space.id === vector?.spaceId)?.denseWeight ?? 0;
}
