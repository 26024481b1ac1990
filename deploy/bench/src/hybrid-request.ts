import type { SearchRequest } from "@quartet/retrieval-service/floor";

/** A search by both legs with the gateway's defaults: what every benchmark of the searcher asks. */
export function hybridRequest(query: string, vector: NonNullable<SearchRequest["vector"]>): SearchRequest {
  return {
    query,
    vector,
    filter: undefined,
    sources: [],
    pageSize: 10,
    keywordLimit: 100,
    vectorLimit: 100,
    candidateLimit: 200,
    fusion: "convex",
    vectorWeight: undefined,
    execution: "parallel",
    cacheUse: "read-write",
  };
}
