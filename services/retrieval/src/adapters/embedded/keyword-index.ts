import { terms } from "@quartet/text";
import { both, type Filter } from "../../domain/filter.ts";
import type { KeywordIndex } from "../../domain/keyword-index.ts";
import type { Tenant } from "./catalogue.ts";
import type { EmbeddedState } from "./state.ts";

export function createKeywordIndex(state: EmbeddedState): KeywordIndex {
  return {
    search: async (tenantName, { text, collections, filter, limit, after, passageIds }, { signal }) => {
      signal.throwIfAborted();
      const tenant = state.tenants.get(tenantName);
      if (tenant === undefined || collections.length === 0) return { hits: [] };
      const termIds = terms(text).flatMap((term) => state.termIds.get(term) ?? []);
      const whole = allowedSlots(tenant, collections, filter);
      const allowed = passageIds === undefined ? whole : tenant.slotsOf(passageIds, whole);
      const bound = after && tenant.bound(after);
      return { hits: tenant.toHits(tenant.postings.search({ termIds, limit, allowed, after: bound })) };
    },
  };
}

/** 1 for each slot that may be found; undefined when all may. */
export function allowedSlots(
  tenant: Tenant,
  collections: readonly string[],
  filter: Filter | undefined,
): Uint8Array | undefined {
  const names = new Set(collections);
  const isWhole = [...tenant.collections.keys()].every((name) => names.has(name));
  const whole = both(filter, isWhole ? undefined : inCollections(collections));
  return whole === undefined ? undefined : tenant.filters.allowed(whole);
}

function inCollections(collections: readonly string[]): Filter {
  const values = collections.map((value) => ({ kind: "string", value }) as const);
  return { kind: "equalsAny", field: { kind: "attribute", name: "collection" }, values };
}
