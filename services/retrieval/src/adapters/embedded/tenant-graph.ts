import { createGiveWay } from "@quartet/turns";
import type { EmbeddedState } from "./state.ts";

/** What of a tenant's graph is kept in memory: its names, which every text is looked through for. Changed only after the commit. */
export interface TenantGraph {
  readonly tenant: string;
  /** Rows of names, by key. */
  readonly names: Map<string, number>;
  namesSeq: number;
  version: number;
  entityCount: number;
  maxNameWords: number;
  /** Whether documents are being looked through. */
  isScanning: boolean;
}

export function newTenantGraph(tenant: string): TenantGraph {
  return {
    tenant,
    names: new Map(),
    namesSeq: 0,
    version: 0,
    entityCount: 0,
    maxNameWords: 0,
    isScanning: false,
  };
}

const rowsBetweenPauses = 256;

/** Fills an empty state with what the file has of graphs. Gives way to other work; the signal ends it. */
export async function loadGraphs({ database, graphs }: EmbeddedState, signal: AbortSignal): Promise<void> {
  type Row = Pick<TenantGraph, "tenant" | "namesSeq" | "version" | "entityCount" | "maxNameWords">;
  const rows = database.all<Row>(
    `SELECT tenant, names_seq AS namesSeq, version, entity_count AS entityCount, max_name_words AS maxNameWords FROM graph`,
  );
  for (const row of rows) graphs.set(row.tenant, { ...newTenantGraph(row.tenant), ...row });
  const giveWay = createGiveWay();
  let left = rowsBetweenPauses;
  for (const [tenant, key, id] of database.rows<[string, string, number]>("SELECT tenant, key, id FROM graph_name")) {
    graphs.get(tenant)!.names.set(key, id);
    left -= 1;
    if (left > 0) continue;
    left = rowsBetweenPauses;
    await giveWay(signal);
  }
}
