import { clone, create } from "@bufbuild/protobuf";
import type { OperationsService, WarmCacheRequest } from "@quartet/contracts/gateway/v1/operations_service";
import { CacheUse, Fusion, SearchOptionsSchema } from "@quartet/contracts/type/v1/search";
import { type Handler, principalOf } from "@quartet/rpc";
import type { Wire } from "../convert.ts";
import { type CallPlan, createBudget } from "../domain/budget.ts";
import type { SearchPorts } from "../domain/ports.ts";
import { retrieve } from "../domain/retrieve.ts";
import { startRun } from "../domain/stages.ts";
import { warmAll } from "../domain/warming.ts";
import type { AskedSearch, FrequentSearches } from "../frequent-searches.ts";
import type { Admission } from "./admission.ts";
import { timeLeftMs } from "./begin-run.ts";
import { requireText } from "./require-text.ts";

export interface WarmCacheOptions {
  readonly admission: Admission;
  readonly plan: CallPlan;
  readonly ports: SearchPorts<Wire>;
  readonly frequent: FrequentSearches;
  /** For queries that are given, which name no page size. */
  readonly pageSize: number;
  /** Whether questions are being worked on. */
  readonly busy: () => boolean;
  readonly now: () => number;
}

const DEFAULT_COUNT = 100;
/** Searches at once while nobody else asks; one at a time while somebody does. */
const AT_ONCE = 4;
/** The most that one search may take. */
const SEARCH_MS = 30_000;

/** Runs searches so that their results, and the vectors of their questions, are in the caches: those given, or the caller's tenant's most frequent. */
export function createWarmCache(options: WarmCacheOptions): Handler<typeof OperationsService.method.warmCache> {
  const { admission, plan, ports, busy, now } = options;
  return admission.stream(async function* (request, context) {
    const items = searchesOf(request, principalOf(context).tenant, options);
    const warm = async ({ query, pageSize, options: asked }: AskedSearch, signal: AbortSignal) => {
      const budget = createBudget(plan, Math.min(SEARCH_MS, timeLeftMs(context)), now);
      // What a result lacks is told below, by counting it.
      const run = startRun(budget, { signal, origin: context.values, leftOut: () => undefined });
      const search = asked === undefined ? create(SearchOptionsSchema) : clone(SearchOptionsSchema, asked);
      search.cacheUse = CacheUse.REFRESH;
      const keywordsOnly = search.fusion === Fusion.KEYWORD_ONLY;
      await retrieve({ query, pageSize, options: search, keywordsOnly }, run, ports);
      if (run.degradations.length > 0) throw new Error("the result lacks something, and is not kept");
    };
    yield* warmAll({ items, warm, concurrency: () => (busy() ? 1 : AT_ONCE), signal: context.signal });
  });
}

function searchesOf(
  { queries, frequentCount }: WarmCacheRequest,
  tenant: string,
  { frequent, pageSize }: WarmCacheOptions,
): readonly AskedSearch[] {
  if (queries.length === 0) return frequent.top(tenant, frequentCount || DEFAULT_COUNT);
  return queries.map((query, index) => ({
    query: requireText(query, `queries[${index}]`),
    pageSize,
    options: undefined,
  }));
}
