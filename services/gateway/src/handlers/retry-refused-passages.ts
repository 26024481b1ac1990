import { Code } from "@connectrpc/connect";
import type { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { quartetError } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import { listAllCollections } from "../hops/indexing.ts";
import type { IndexHop } from "../hops/retrieval.ts";
import { refusedCountOf } from "../refused-passages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";

/** Takes back in every collection that passages are refused, and has the worker look for them. */
export function createRetryRefusedPassages({
  admission,
  index,
  changed,
}: {
  readonly admission: Admission;
  readonly index: Pick<IndexHop, "listCollections" | "retryRefused">;
  /** A tenant has passages without vectors. */
  readonly changed: (tenant: string) => void;
}): Handler<typeof OperationsService.method.retryRefusedPassages> {
  return admission.unary(async ({ collection: named }, context) => {
    const all = await listAllCollections(index, beginCall(context));
    const meant = named === "" ? all : all.filter(({ state }) => state?.collection === named);
    if (named !== "" && meant.length === 0) throw noSuchCollection();
    let passageCount = 0n;
    for (const each of meant) {
      if (refusedCountOf(each) === 0n) continue;
      passageCount += await index.retryRefused({ collection: each.state?.collection ?? "" }, beginCall(context));
    }
    if (passageCount > 0n) changed(principalOf(context).tenant);
    return { passageCount };
  });
}

const noSuchCollection = () =>
  quartetError({
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "There is no such collection. List the collections to see which there are.",
  });
