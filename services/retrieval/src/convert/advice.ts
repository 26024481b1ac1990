import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AdviseIndexesResponseSchema } from "@quartet/contracts/retrieval/v1/index_service";
import { toDuration } from "@quartet/rpc";
import { StatementSource } from "@quartet/contracts/type/v1/operations";
import type { Advice, AdviceReport, UnadvisedStatement } from "../domain/advice.ts";

const sources = {
  pg_stat_statements: StatementSource.PG_STAT_STATEMENTS,
  service: StatementSource.SERVICE,
} as const;

export const toAdviceMessages = ({
  advice,
  unadvised,
  source,
}: AdviceReport): MessageInitShape<typeof AdviseIndexesResponseSchema> => ({
  advice: advice.map(toAdviceMessage),
  unadvised: unadvised.map(toUnadvisedMessage),
  source: sources[source],
});

const toAdviceMessage = ({ proposal, beforeMs, afterMs, callCount, indexBytes, ...advice }: Advice) => ({
  ...advice,
  proposal:
    proposal.kind === "index"
      ? { case: "createIndexStatement" as const, value: proposal.sql }
      : { case: "rewrittenStatement" as const, value: proposal.sql },
  elapsedBefore: toDuration(beforeMs),
  elapsedAfter: toDuration(afterMs),
  callCount: BigInt(Math.round(callCount)),
  indexBytes: BigInt(Math.round(indexBytes)),
});

const toUnadvisedMessage = ({ meanMs, callCount, ...statement }: UnadvisedStatement) => ({
  ...statement,
  callCount: BigInt(Math.round(callCount)),
  meanElapsed: toDuration(meanMs),
});
