import type { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import type { Handler } from "@quartet/rpc";
import type { IndexHop } from "../hops/retrieval.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";
import { unlessNotEnabled } from "./not-enabled.ts";

/** Hands on how far retrieval has come with the new keyword index; a caller who leaves stops it. */
export function createRebuildIndex({
  admission,
  rebuild,
}: {
  readonly admission: Admission;
  readonly rebuild: IndexHop["rebuild"];
}): Handler<typeof OperationsService.method.rebuildIndex> {
  return admission.stream(async function* (_request, context) {
    try {
      for await (const { doneCount, totalCount } of rebuild(beginCall(context))) yield { doneCount, totalCount };
    } catch (error) {
      throw unlessNotEnabled(
        error,
        "The keyword index is part of the record here, and is never rebuilt apart from it.",
      );
    }
  });
}
