import type { GraphState } from "./search-key.ts";
import { legKindsFor, type StoreGuards } from "./search-legs.ts";
import { sourcesOfPlan } from "./search-plan.ts";
import type { SearchRequest } from "./search-request.ts";
import type { Source } from "./source.ts";
import type { Stores } from "./stores.ts";

export interface GraphCall {
  readonly signal: AbortSignal;
  /** The most that either of two questions about the graph may take. */
  readonly limitMs: number;
  readonly rerankerId: string | undefined;
  /** Why the record, which the graph is a part of, could not be asked; undefined when it could. */
  readonly recordError: unknown;
}

export interface ChosenSources {
  readonly sources: readonly Source[];
  readonly graphState: GraphState;
}

/** Decides whether graphs take part in a search, and under which state of the graph its result is known. */
export interface GraphChoice {
  /** Of the sources wanted, those to ask. Throws PlanChangedError, and the signal's reason when it is aborted. */
  choose(tenant: string, request: SearchRequest, wanted: readonly Source[], call: GraphCall): Promise<ChosenSources>;
}

/**
 * A graph that nobody asked for by name is asked where the tenant has one, so that a tenant without pays nothing and hears nothing of it. While
 * the record is away nobody can tell, and it is left out.
 */
export function createGraphChoice({
  stores,
  guards,
}: {
  readonly stores: Stores;
  readonly guards: StoreGuards;
}): GraphChoice {
  const isGraph = ({ kind }: Source) => kind === "graph";
  const hasEntities = async (tenant: string, { signal, limitMs, recordError }: GraphCall): Promise<boolean> => {
    if (recordError !== undefined || stores.graph === undefined || limitMs <= 0) return false;
    return stores.graph.hasEntities(tenant, { signal, ...(limitMs < Infinity && { timeoutMs: limitMs }) });
  };
  const pick = async (
    tenant: string,
    { sources: names, start }: SearchRequest,
    wanted: readonly Source[],
    call: GraphCall,
  ) => {
    // Whether the tenant has one may have changed since the first page.
    if (start !== undefined) return sourcesOfPlan(start.plan, wanted, call.rerankerId);
    if (names.length > 0 || !wanted.some(isGraph) || (await hasEntities(tenant, call))) return wanted;
    return wanted.filter((source) => !isGraph(source));
  };
  return {
    async choose(tenant, request, wanted, call) {
      const sources = await pick(tenant, request, wanted, call);
      const { graph } = stores;
      const isAsked = sources.some((source) => legKindsFor(source, request).includes("graph"));
      if (!isAsked || graph === undefined) return { sources, graphState: undefined };
      const { signal, limitMs, recordError } = call;
      if (recordError !== undefined) return { sources, graphState: "unknown" };
      const version = guards.record.run((options) => graph.version(tenant, options), { signal, limitMs });
      const graphState = await version.catch(() => {
        signal.throwIfAborted();
        return "unknown" as const;
      });
      return { sources, graphState };
    },
  };
}
