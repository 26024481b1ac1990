import { sha256 } from "./passage-content.ts";
import type { Source } from "./source.ts";

interface Planned {
  readonly sources: readonly Source[];
  readonly rerankerId: string | undefined;
}

/** The server's sources or reranker are no longer those that the first page was found with. */
export class PlanChangedError extends Error {
  constructor() {
    super("the first page was found with other sources");
  }
}

/** Stands for what a search is made of, as the operator configured it: the same in all processes that would go about it in one way. */
export function planOf({ sources, rerankerId }: Planned): string {
  return sha256(JSON.stringify([sources, rerankerId])).slice(0, 16);
}

/**
 * The sources of a plan, which are those chosen or all of them but graphs: whether the tenant has one may have changed since the first page.
 *
 * @throws {PlanChangedError}
 */
export function sourcesOfPlan(
  plan: string,
  chosen: readonly Source[],
  rerankerId: string | undefined,
): readonly Source[] {
  const withoutGraphs = chosen.filter(({ kind }) => kind !== "graph");
  const sources = [chosen, withoutGraphs].find((each) => planOf({ sources: each, rerankerId }) === plan);
  if (sources === undefined) throw new PlanChangedError();
  return sources;
}
