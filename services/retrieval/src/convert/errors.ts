import { Code, type ConnectError } from "@connectrpc/connect";
import { fieldInvalid, quartetError } from "@quartet/errors";
import { AdviceRunningError } from "../domain/advice.ts";
import { GraphError } from "../domain/graph.ts";
import { PageInterruptedError } from "../domain/later-page.ts";
import { PageTokenError } from "../domain/page-token.ts";
import { AllSourcesFailedError, NoLegsError, QueryVectorError } from "../domain/search-errors.ts";
import { ForeignPageTokenError, PageTokenExpiredError } from "../domain/search-page-token.ts";
import { PlanChangedError } from "../domain/search-plan.ts";
import { NothingToAskError } from "../domain/search-record.ts";
import { RebuildMismatchError, RebuildRunningError } from "../domain/rebuild.ts";
import { UnknownSourceError } from "../domain/source.ts";
import { StoreBusyError, StoreTimeoutError, StoreUnavailableError } from "../domain/store-errors.ts";

/** Stores come back within seconds or not soon; spread out, so that those refused together do not come back together. */
const retryAfterFailureMs = (): number => 1_000 + Math.random() * 1_000;

/** The one place where this service's errors get their codes. Anything else passes through, for the host to deal with. */
export function toRpcError(error: unknown): unknown {
  if (error instanceof PageTokenError) {
    return quartetError({
      code: Code.InvalidArgument,
      reason: "PAGE_TOKEN_INVALID",
      message:
        "page_token: not a token of this list. Give next_page_token with all other fields as they were, or begin without one.",
      violations: [{ field: "page_token", description: "not a token of this list" }],
    });
  }
  if (error instanceof ForeignPageTokenError) {
    return quartetError({
      code: Code.NotFound,
      reason: "NOT_FOUND",
      message: "page_token: there is no such search. Begin without one.",
    });
  }
  if (error instanceof PageTokenExpiredError || error instanceof PlanChangedError) {
    return quartetError({
      code: Code.FailedPrecondition,
      reason: "PAGE_TOKEN_EXPIRED",
      message: "page_token: too old to go on from. Begin without one.",
    });
  }
  if (error instanceof PageInterruptedError) return toInterrupted(error);
  if (error instanceof UnknownSourceError) {
    const description = `${error.source} is not configured; there is ${error.known.join(", ")}`;
    return quartetError({
      code: Code.InvalidArgument,
      reason: "SOURCE_UNKNOWN",
      message: `options.sources: ${description}. Leave sources out to search those that are on by default.`,
      violations: [{ field: "options.sources", description }],
    });
  }
  if (error instanceof GraphError) return fieldInvalid(`graph.${error.field}`, error.message);
  if (error instanceof NoLegsError) {
    return fieldInvalid("options.fusion", "none of the sources has what this fusion searches by");
  }
  if (error instanceof QueryVectorError) {
    return fieldInvalid("query_vector", `the space has ${error.dimensions} dimensions`);
  }
  if (error instanceof AllSourcesFailedError || error instanceof NothingToAskError) {
    return quartetError({
      code: Code.Unavailable,
      reason: "ALL_SOURCES_FAILED",
      message: "No source could be searched. Try again; if it goes on, look at the retrieval service's log.",
      retryDelayMs: retryAfterFailureMs(),
      cause: error,
    });
  }
  if (error instanceof RebuildRunningError) {
    return quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: "An index is being built already. Wait for its end.",
      retryDelayMs: retryAfterRebuildMs,
      cause: error,
    });
  }
  if (error instanceof AdviceRunningError) {
    return quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: "Advice on this database is being sought already. Wait for its end.",
      retryDelayMs: retryAfterAdviceMs,
      cause: error,
    });
  }
  if (error instanceof RebuildMismatchError) {
    return quartetError({
      code: Code.Unavailable,
      reason: "UPSTREAM_FAILED",
      message: "The new index lacks documents and was dropped; the old one stays. Look at the retrieval service's log.",
      cause: error,
    });
  }
  return toStoreError(error);
}

/** The page can be asked for once more with the same token, but where the question has another vector now. */
function toInterrupted(error: PageInterruptedError): ConnectError {
  const { source, leg, reason } = error.outcome ?? { source: "", leg: "rerank", reason: undefined };
  const what = `The first page had the ${leg} results${source === "" ? "" : ` of ${source}`}, which cannot be gone on with now`;
  if (reason === "EMBEDDING_SPACE_MISMATCH") {
    return quartetError({
      code: Code.FailedPrecondition,
      reason,
      message: `${what}: the passages are searched by another embedder's vectors. Embed the query anew and ask once more, or begin without a page_token.`,
      cause: error,
    });
  }
  return quartetError({
    code: Code.Unavailable,
    reason: "UPSTREAM_FAILED",
    message: `${what}. Ask for the page once more with the same page_token; if it goes on, look at the retrieval service's log.`,
    retryDelayMs: retryAfterFailureMs(),
    cause: error,
  });
}

const retryAfterRebuildMs = 60_000;
const retryAfterAdviceMs = 30_000;

/** What a store's own failure is to the caller: worth another try, and no word of where the store is. */
function toStoreError(error: unknown): unknown {
  if (error instanceof StoreBusyError) {
    return quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: "Too many calls wait for the record. Try again shortly.",
      retryDelayMs: retryAfterFailureMs(),
      cause: error,
    });
  }
  if (error instanceof StoreUnavailableError || error instanceof StoreTimeoutError) {
    return quartetError({
      code: Code.Unavailable,
      reason: "UPSTREAM_FAILED",
      message: "A store could not be asked. Try again; if it goes on, look at the retrieval service's log.",
      retryDelayMs: retryAfterFailureMs(),
      cause: error,
    });
  }
  return error;
}

/** Runs a handler's work, giving its errors their codes. */
export async function withRpcErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toRpcError(error);
  }
}
