import type { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { nfc } from "@quartet/text";
import { withRpcErrors } from "../convert/errors.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";

/** Deletes documents with all that hangs on them; unknown ones are no error. */
export function createDeleteDocuments({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof DocumentService.method.deleteDocuments> {
  return ({ documentIds }, context) =>
    withRpcErrors(async () => {
      const { tenant } = principalOf(context);
      const ids = documentIds.map(nfc);
      return { deletedCount: await stores.records.deleteDocuments(tenant, ids, callOptions(context)) };
    });
}
