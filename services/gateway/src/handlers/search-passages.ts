import type { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { Fusion } from "@quartet/contracts/type/v1/search";
import type { Handler } from "@quartet/rpc";
import { toSearchResponse, type Wire } from "../convert.ts";
import type { SearchPorts } from "../domain/ports.ts";
import { retrieve } from "../domain/retrieve.ts";
import { timingsOf } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import type { BeginRun } from "./begin-run.ts";
import { requireText } from "./require-text.ts";

/** Embeds the query where it can, searches all sources, and says what was left out. */
export function createSearchPassages({
  admission,
  beginRun,
  ports,
}: {
  readonly admission: Admission;
  readonly beginRun: BeginRun;
  readonly ports: SearchPorts<Wire>;
}): Handler<typeof SearchService.method.searchPassages> {
  return admission.unary(async ({ query, pageSize, pageToken, options }, context) => {
    const run = beginRun(context);
    const keywordsOnly = options?.fusion === Fusion.KEYWORD_ONLY;
    const retrieval = { query: requireText(query, "query"), pageSize, pageToken, options, keywordsOnly };
    const result = await retrieve(retrieval, run, ports);
    return toSearchResponse(result, run.degradations, timingsOf(run));
  });
}
