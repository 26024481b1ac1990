import { withoutQueryVector } from "./degradations.ts";
import { addUsage } from "./outcome.ts";
import type { Carried, QueryVector, SearchPorts, SearchResult } from "./ports.ts";
import { optionalStage, requiredStage, type Run } from "./stages.ts";

export interface Retrieval<C extends Carried> {
  readonly query: string;
  readonly pageSize: number;
  /** Where the page starts. Default: at the first. */
  readonly pageToken?: string;
  readonly options: C["options"];
  /** Whether the caller wants no vector leg, so that there is nothing to embed. */
  readonly keywordsOnly: boolean;
}

/**
 * Embeds the query, where it can, and searches all sources. What is missing is added to the run's degradations.
 *
 * @throws what the search fails with; an error with reason ALL_SOURCES_FAILED when nothing could be searched.
 */
export async function retrieve<C extends Carried>(
  retrieval: Retrieval<C>,
  run: Run,
  ports: SearchPorts<C>,
): Promise<SearchResult<C>> {
  return searchPage(retrieval, await embedQuery(retrieval, run, ports), run, ports);
}

/** The first step: the query's vector, if one is wanted and can be had. */
export async function embedQuery<C extends Carried>(
  { query, options, keywordsOnly }: Retrieval<C>,
  run: Run,
  ports: SearchPorts<C>,
): Promise<QueryVector<C["vector"]> | undefined> {
  if (keywordsOnly) return undefined;
  const vector = await optionalStage(
    run,
    "embed",
    withoutQueryVector,
    (call) => ports.embed(query, options, call),
    ({ cached }) => (cached ? "CACHED" : "OK"),
  );
  run.usage = addUsage(run.usage, vector?.usage);
  return vector;
}

/** The second step, for one page. */
export async function searchPage<C extends Carried>(
  { query, pageSize, pageToken = "", options }: Retrieval<C>,
  vector: QueryVector<C["vector"]> | undefined,
  run: Run,
  ports: SearchPorts<C>,
): Promise<SearchResult<C>> {
  const result = await requiredStage(
    run,
    "search",
    (call) => ports.search({ query, pageSize, pageToken, options, vector }, call),
    ({ failures, cached }) => (failures.length > 0 ? "DEGRADED" : cached ? "CACHED" : "OK"),
  );
  run.degradations.push(...result.failures);
  return result;
}
