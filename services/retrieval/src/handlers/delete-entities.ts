import type { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { nfc } from "@quartet/text";
import { withRpcErrors } from "../convert/errors.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";
import { graphOf } from "./graph-of.ts";

/** Deletes entities with all that hangs on them; unknown ones are no error. */
export function createDeleteEntities({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof DocumentService.method.deleteEntities> {
  return ({ entityIds }, context) =>
    withRpcErrors(async () => {
      const { tenant } = principalOf(context);
      const deletedCount = await graphOf(stores).deleteEntities(tenant, entityIds.map(nfc), callOptions(context));
      return { deletedCount };
    });
}
