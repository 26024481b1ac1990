import type { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import type { Handler } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";

/** Deletes documents with all that hangs on them. */
export function createDeleteDocuments({
  admission,
  deleteAll,
}: {
  readonly admission: Admission;
  /** How many there were. */
  readonly deleteAll: (documentIds: string[], call: Call) => Promise<number>;
}): Handler<typeof DocumentService.method.deleteDocuments> {
  return admission.unary(async ({ documentIds }, context) => ({
    deletedCount: await deleteAll(documentIds, beginCall(context)),
  }));
}
