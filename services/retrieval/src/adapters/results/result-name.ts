import { createHash } from "node:crypto";
import { version } from "@quartet/service";
import type { Filter } from "../../domain/filter.ts";
import type { CachedSearch } from "../../domain/result-cache.ts";

/** Longer parts stand as their hash, which patterns reach by `*` alone: keys are sent over the network and kept in memory. */
const MAX_COLLECTIONS_LENGTH = 512;
const MAX_TAGS_LENGTH = 256;

/** What all names of a tenant's results start with. */
export const tenantStart = (tenant: string): string => `${encodeURIComponent(tenant)}:`;

/**
 * The name of a search's result: `TENANT:COLLECTIONS:HASH:TAGS`, where COLLECTIONS are those asked, with both their sequences, as
 * `handbook@12.12,policies@3.3`; HASH is the SHA-256 of everything that the result depends on; and TAGS are those that every result must have,
 * sorted. It holds no text of a user but names of collections and tags.
 */
export function resultName(search: CachedSearch, recordId: string | undefined): string {
  const { tenant, collections, request } = search;
  const where = collections.map(
    ({ state }) => `${escapeName(state.collection)}@${state.recordSeq}.${state.projectedSeq}`,
  );
  const tags = [...new Set(requiredTags(request.filter))].sort().map(escapeName);
  return [
    tenantStart(tenant) + within(where.join(","), MAX_COLLECTIONS_LENGTH),
    hashOf(everything(search, recordId)),
    within(tags.join(","), MAX_TAGS_LENGTH),
  ].join(":");
}

/** Also what another record, another release, or another judgement of how good a space's vectors are, would answer otherwise. */
function everything({ key, collections }: CachedSearch, recordId = ""): string {
  const weights = collections.map(({ active }) => active?.space.denseWeight);
  return JSON.stringify([recordId, version, weights]) + key;
}

/** The tags that a document must have to satisfy the filter. */
function requiredTags(filter: Filter | undefined): readonly string[] {
  if (filter?.kind === "tag") return [filter.tag];
  return filter?.kind === "allOf" ? filter.filters.flatMap(requiredTags) : [];
}

/** What has a meaning of its own in names or patterns, and what no operator can read, as in URLs. */
const escapeName = (name: string): string =>
  name.toWellFormed().replaceAll(/[%:,@*\p{C}\s]/gu, (each) => (each === "*" ? "%2A" : encodeURIComponent(each)));

const within = (text: string, maxLength: number): string => (text.length <= maxLength ? text : `~${hashOf(text)}`);

const hashOf = (text: string): string => createHash("sha256").update(text).digest("base64url");
