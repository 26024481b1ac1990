import type { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import type { Handler } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";
import { unlessNotEnabled } from "./not-enabled.ts";

/** Deletes entities with all that hangs on them. */
export function createDeleteEntities({
  admission,
  deleteAll,
}: {
  readonly admission: Admission;
  /** How many there were. */
  readonly deleteAll: (entityIds: string[], call: Call) => Promise<number>;
}): Handler<typeof DocumentService.method.deleteEntities> {
  return admission.unary(async ({ entityIds }, context) => {
    try {
      return { deletedCount: await deleteAll(entityIds, beginCall(context)) };
    } catch (error) {
      throw unlessNotEnabled(error, "The stores of this server keep no graph.");
    }
  });
}
