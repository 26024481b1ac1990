import { withoutQueryVector } from "./degradations.ts";
import { addUsage } from "./outcome.ts";
import type { Carried, SearchPorts, SearchResult } from "./ports.ts";
import { optionalStage, requiredStage, type Run } from "./stages.ts";

export interface Retrieval<C extends Carried> {
  readonly query: string;
  readonly pageSize: number;
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
  { query, pageSize, options, keywordsOnly }: Retrieval<C>,
  run: Run,
  ports: SearchPorts<C>,
): Promise<SearchResult<C>> {
  const vector = keywordsOnly
    ? undefined
    : await optionalStage(
        run,
        "embed",
        withoutQueryVector,
        (call) => ports.embed(query, options, call),
        ({ cached }) => (cached ? "CACHED" : "OK"),
      );
  run.usage = addUsage(run.usage, vector?.usage);
  const result = await requiredStage(
    run,
    "search",
    (call) => ports.search({ query, pageSize, options, vector }, call),
    ({ failures, cached }) => (failures.length > 0 ? "DEGRADED" : cached ? "CACHED" : "OK"),
  );
  run.degradations.push(...result.failures);
  return result;
}
