import { Code, ConnectError } from "@connectrpc/connect";
import type { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { quartetError } from "@quartet/errors";
import type { Handler } from "@quartet/rpc";
import type { IndexHop } from "../hops/retrieval.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";

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
      throw isNotEnabled(error) ? notEnabled(error) : error;
    }
  });
}

/** Between services an rpc that is not there is a mistake; here it means that this installation has no such index. */
const isNotEnabled = (error: unknown): boolean =>
  error instanceof ConnectError && error.cause instanceof ConnectError && error.cause.code === Code.Unimplemented;

const notEnabled = (cause: unknown): ConnectError =>
  quartetError({
    code: Code.Unimplemented,
    reason: "NOT_ENABLED",
    message: "The keyword index is part of the record here, and is never rebuilt apart from it.",
    cause,
  });
