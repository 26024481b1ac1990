import type { GraphIndex } from "../../domain/graph-index.ts";
import { lookThrough } from "./find-names.ts";
import { deleteEntities, putGraph, type WrittenGraph } from "./put-graph.ts";
import { searchGraph } from "./search-graph.ts";
import type { EmbeddedState } from "./state.ts";
import { newTenantGraph, type TenantGraph } from "./tenant-graph.ts";

/** Goes on with what the last process left: documents that stand behind the names of their tenant are looked through. */
export function createGraphIndex(state: EmbeddedState): GraphIndex {
  const { database, graphs, tenants } = state;
  for (const graph of graphs.values()) lookThrough(state, graph);

  const change = (tenant: string, work: (graph: TenantGraph) => WrittenGraph) => {
    const graph = graphs.get(tenant) ?? newTenantGraph(tenant);
    const { changedCount, apply } = database.transaction(() => work(graph));
    apply();
    if (changedCount > 0) graphs.set(tenant, graph);
    lookThrough(state, graph);
    return { graph, changedCount };
  };

  return {
    search: async (tenantName, query, { signal }) => {
      signal.throwIfAborted();
      const [tenant, graph] = [tenants.get(tenantName), graphs.get(tenantName)];
      if (tenant === undefined || graph === undefined) return { hits: [] };
      return { hits: await searchGraph({ database, tenant, graph, signal }, query) };
    },

    hasEntities: async (tenant) => (graphs.get(tenant)?.entityCount ?? 0) > 0,

    version: async (tenant) => graphs.get(tenant)?.version ?? 0,

    put: async (tenant, given, { signal }) => {
      signal.throwIfAborted();
      const { graph, changedCount } = change(tenant, (current) => putGraph(database, current, given));
      const sql = "SELECT count(*) AS count FROM document WHERE tenant = ? AND names_seq < ?";
      const waiting = database.get<{ count: number }>(sql, tenant, graph.namesSeq)!;
      return { changedCount, waitingDocumentCount: waiting.count };
    },

    deleteEntities: async (tenant, entityIds, { signal }) => {
      signal.throwIfAborted();
      if (!graphs.has(tenant)) return 0;
      return change(tenant, (current) => deleteEntities(database, current, entityIds)).changedCount;
    },
  };
}
