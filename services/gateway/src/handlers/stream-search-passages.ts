import type { HandlerContext } from "@connectrpc/connect";
import type { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { Fusion } from "@quartet/contracts/type/v1/search";
import type { Handler } from "@quartet/rpc";
import { toSearchResponse, type Wire } from "../convert.ts";
import { searchStream, type StreamParts } from "../domain/search-stream.ts";
import type { Admission } from "./admission.ts";
import type { BeginRun } from "./begin-run.ts";
import { toError, withFieldNames } from "./errors.ts";
import { requireText } from "./require-text.ts";

export interface StreamSearchPassagesOptions extends Pick<StreamParts<Wire>, "ports" | "sleep"> {
  readonly admission: Admission;
  readonly begin: (plan: "search" | "furtherPage") => BeginRun;
}

const defaultPageSize = 10;
const maxPageSize = 100;
const defaultMaxPassageCount = 10_000;

/** Searches page after page as the reader takes them; each comes with the token that a later call goes on with. */
export function createStreamSearchPassages({
  admission,
  begin,
  ...rest
}: StreamSearchPassagesOptions): Handler<typeof SearchService.method.streamSearchPassages> {
  return admission.stream(async function* ({ search, maxPassageCount }, context: HandlerContext) {
    // Required by the contract, and validated before.
    const { query, pageSize, pageToken, options } = search!;
    const asked = {
      query: requireText(query, "search.query"),
      pageSize: Math.min(pageSize || defaultPageSize, maxPageSize),
      pageToken,
      options,
      keywordsOnly: options?.fusion === Fusion.KEYWORD_ONLY,
      maxPassageCount: maxPassageCount || defaultMaxPassageCount,
    };
    try {
      const parts = { ...rest, beginRun: (plan: "search" | "furtherPage") => begin(plan)(context) };
      for await (const { result, degradations, timings, last } of searchStream<Wire>(asked, parts)) {
        yield { page: toSearchResponse(result, degradations, timings), last };
      }
    } catch (error) {
      throw withFieldNames(toError(error), (field) => `search.${field}`);
    }
  });
}
