import type { HandlerContext } from "@connectrpc/connect";
import type { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { withRpcErrors } from "../convert/errors.ts";
import { toSearchRequest, toSearchResponse } from "../convert/search.ts";
import type { Searcher } from "../domain/search.ts";
import type { SearchPageTokens, TokenOwner } from "../domain/search-page-token.ts";
import type { SearchResult } from "../domain/search-request.ts";
import { callOptions } from "./call-options.ts";

export interface SearchPassagesOptions {
  readonly search: Searcher;
  readonly tokens: SearchPageTokens;
  /** Told why a result comes without the token that its next page would be asked for with, for logs. */
  readonly onTokenError: (error: unknown) => void;
}

/** Searches with all legs of the sources asked for, page after page; what did not answer is part of the response. */
export function createSearchPassages({
  search,
  tokens,
  onTokenError,
}: SearchPassagesOptions): Handler<typeof RetrievalService.method.searchPassages> {
  /** Without a token where the key cannot be asked for: what was found is not thrown away for it. */
  const nextToken = async ({ next }: SearchResult, owner: TokenOwner, context: HandlerContext) => {
    if (next === undefined) return { token: "" };
    try {
      return { token: await tokens.write(next, owner, callOptions(context)) };
    } catch (error) {
      context.signal.throwIfAborted();
      onTokenError(error);
      return { token: "", isLost: true };
    }
  };
  return async (message, context) => {
    const started = performance.now();
    const { tenant } = principalOf(context);
    const { pageToken, options } = message;
    return withRpcErrors(async () => {
      const request = toSearchRequest(message);
      const owner = { tenant, request };
      const start = pageToken === "" ? undefined : await tokens.read(pageToken, owner, callOptions(context));
      const call = { signal: context.signal, grantMs: context.timeoutMs() };
      const result = await search(tenant, { ...request, start }, call);
      const next = await nextToken(result, owner, context);
      const includeMetadata = options?.includeMetadata ?? false;
      return toSearchResponse(result, next, { includeMetadata, elapsedMs: performance.now() - started });
    });
  };
}
