import { createBreaker } from "@quartet/resilience";
import type { Telemetry } from "@quartet/service";
import { createBreakerEvents } from "@quartet/telemetry";
import { createHttpReranker } from "./adapters/rerank/http-reranker.ts";
import type { Config, RerankConfig } from "./config.ts";
import type { Reranker } from "./domain/reranker.ts";
import type { Reranking } from "./domain/search-rerank.ts";
import { createSimilarityReranker } from "./domain/similarity-reranker.ts";
import { createStoreGuard, isCircuitOpen } from "./domain/store-guard.ts";
import { StoreBusyError } from "./domain/store-errors.ts";
import type { Stores } from "./domain/stores.ts";

/** The reranker of a process, with what it needs and tells. */
export interface OpenReranking {
  /** What searches are ordered with; undefined where the fusion's order stands. */
  readonly reranking: Reranking | undefined;
  /** Told why passages were not reranked. */
  readonly onError: (error: unknown) => void;
  close(): Promise<void>;
}

/** Few searches wait for an endpoint that hangs, and one asks every two seconds whether it is back. */
const breakerLimits = { minimumCalls: 5, openMs: 2_000 } as const;

/** Of a leg's time, for the built-in one: it asks the same store for less. What takes longer hangs, and the fusion's order is a good one. */
const builtinShareOfLeg = 1 / 8;

export function openReranking(
  config: RerankConfig & Pick<Config, "legTimeLimitMs">,
  stores: Stores,
  telemetry: Telemetry,
): OpenReranking {
  const { log, metrics } = telemetry;
  const made = makeReranker(config, stores);
  const failures = metrics.counter("quartet_search_rerank_failures_total").with({ reranker: config.reranker });
  const onError = (error: unknown) => {
    failures.add();
    // Once its breaker is open, or an endpoint has asked to be left alone, that has told the log.
    if (!isCircuitOpen(error) && !(error instanceof StoreBusyError))
      log.warn({ err: error }, "passages could not be reranked: the order of the fusion stands");
  };
  if (made === undefined) return { reranking: undefined, onError, close: async () => {} };
  const breaker = createBreaker({
    name: "retrieval.rerank",
    ...breakerLimits,
    events: createBreakerEvents("retrieval.rerank", telemetry),
  });
  const guard = createStoreGuard({ breaker });
  const timeLimitMs =
    config.reranker === "builtin" ? builtinShareOfLeg * config.legTimeLimitMs : config.rerankTimeLimitMs;
  return {
    reranking: { reranker: timed(made.reranker, config.reranker, telemetry), guard, timeLimitMs },
    onError,
    close: async () => {
      breaker.close();
      await made.close?.();
    },
  };
}

interface Made {
  readonly reranker: Reranker;
  readonly close?: () => Promise<void>;
}

function makeReranker(config: RerankConfig, stores: Stores): Made | undefined {
  if (config.reranker === "none") return undefined;
  if (config.reranker === "builtin") return { reranker: createSimilarityReranker({ stores }) };
  const { rerankUrl, rerankForm: form, rerankModel: model, rerankApiKey, rerankCandidates: maxCandidates } = config;
  // The configuration was checked: with `http` there is an address.
  const url = rerankUrl!;
  const reranker = createHttpReranker({ url, form, model, apiKey: rerankApiKey?.reveal(), maxCandidates });
  return { reranker, close: () => reranker.close() };
}

function timed(reranker: Reranker, kind: RerankConfig["reranker"], { metrics }: Telemetry): Reranker {
  const duration = metrics.histogram("quartet_search_rerank_duration_seconds").with({ reranker: kind });
  return {
    ...reranker,
    rerank: async (query, options) => {
      const startedAt = performance.now();
      try {
        return await reranker.rerank(query, options);
      } finally {
        duration.observe((performance.now() - startedAt) / 1000);
      }
    },
  };
}
