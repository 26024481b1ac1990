import type { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { withRpcErrors } from "../convert/errors.ts";
import { toSearchRequest, toSearchResponse } from "../convert/search.ts";
import type { Searcher } from "../domain/search.ts";

export interface SearchPassagesOptions {
  readonly search: Searcher;
}

/** Searches with all legs of the sources asked for; what did not answer is part of the response. */
export function createSearchPassages({
  search,
}: SearchPassagesOptions): Handler<typeof RetrievalService.method.searchPassages> {
  return async (message, context) => {
    const started = performance.now();
    const { tenant } = principalOf(context);
    const { signal } = context;
    const result = await withRpcErrors(() =>
      search(tenant, toSearchRequest(message), { signal, grantMs: context.timeoutMs() }),
    );
    const includeMetadata = message.options?.includeMetadata ?? false;
    return toSearchResponse(result, { includeMetadata, elapsedMs: performance.now() - started });
  };
}
