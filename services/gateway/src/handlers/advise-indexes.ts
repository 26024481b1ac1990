import type { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import type { Handler } from "@quartet/rpc";
import type { IndexHop } from "../hops/retrieval.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";
import { unlessNotEnabled } from "./not-enabled.ts";

/** Hands on what retrieval has found to make statements of its database faster. */
export function createAdviseIndexes({
  admission,
  advise,
}: {
  readonly admission: Admission;
  readonly advise: IndexHop["advise"];
}): Handler<typeof OperationsService.method.adviseIndexes> {
  return admission.unary(async ({ statementCount }, context) => {
    try {
      const { advice, unadvised, source } = await advise({ statementCount }, beginCall(context));
      return { advice, unadvised, source };
    } catch (error) {
      throw unlessNotEnabled(error, "There is no PostgreSQL here to advise on: documents are kept in a folder.");
    }
  });
}
