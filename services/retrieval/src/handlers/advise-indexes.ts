import { Code } from "@connectrpc/connect";
import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { quartetError } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import { toAdviceMessages } from "../convert/advice.ts";
import { toRpcError } from "../convert/errors.ts";
import type { Advisor } from "../domain/advice.ts";

export interface AdviseIndexesOptions {
  /** Undefined where the record is not in PostgreSQL. */
  readonly advisor: Advisor | undefined;
  /** Told why no advice could be given, for logs. */
  readonly onFailure: (error: unknown) => void;
}

const defaultStatementCount = 10;
/** Of a caller that names no time of its own. */
const defaultTimeoutMs = 60_000;

/** Tries what would make the slowest statements faster; a caller that leaves stops it, and nothing of it stays. */
export function createAdviseIndexes({
  advisor,
  onFailure,
}: AdviseIndexesOptions): Handler<typeof IndexService.method.adviseIndexes> {
  return async ({ statementCount }, context) => {
    if (advisor === undefined) throw notEnabled();
    const { signal, timeoutMs } = context;
    try {
      const report = await advisor.advise({
        statementCount: statementCount || defaultStatementCount,
        tenant: principalOf(context).tenant,
        signal,
        timeoutMs: timeoutMs() ?? defaultTimeoutMs,
      });
      return toAdviceMessages(report);
    } catch (error) {
      if (!signal.aborted) onFailure(error);
      throw toRpcError(error);
    }
  };
}

function notEnabled() {
  return quartetError({
    code: Code.Unimplemented,
    reason: "NOT_ENABLED",
    message: "There is no PostgreSQL here to advise on: documents are kept in a folder of this process.",
  });
}
