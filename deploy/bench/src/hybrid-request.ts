import { searchDefaults, type SearchRequest } from "@quartet/retrieval-service/floor";

/** A search by both legs with the gateway's defaults: what every benchmark of the searcher asks. */
export function hybridRequest(query: string, vector: NonNullable<SearchRequest["vector"]>): SearchRequest {
  return {
    ...searchDefaults,
    query,
    vector,
  };
}
