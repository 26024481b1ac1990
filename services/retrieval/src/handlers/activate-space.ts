import { Code } from "@connectrpc/connect";
import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { quartetError } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import { toCollectionMessage } from "../convert/collection.ts";
import { withRpcErrors } from "../convert/errors.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";

/** Makes the space being built the active one. */
export function createActivateSpace({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof IndexService.method.activateSpace> {
  return async ({ collection, spaceId }, context) => {
    const { tenant } = principalOf(context);
    const result = await withRpcErrors(() =>
      stores.vectors.activate(tenant, collection, spaceId, callOptions(context)),
    );
    switch (result.kind) {
      case "active":
        return { collection: toCollectionMessage(result.collection) };
      case "incomplete":
        throw quartetError({
          code: Code.FailedPrecondition,
          reason: "EMBEDDING_SPACE_INCOMPLETE",
          message: `${result.missingCount} passages have no vector in the space yet. Put those first.`,
          metadata: { missingCount: String(result.missingCount) },
        });
      case "not-building":
        throw quartetError({
          code: Code.FailedPrecondition,
          reason: "EMBEDDING_SPACE_MISMATCH",
          message: "The space is not being built for this collection. Put its vectors first.",
        });
      case "unknown-collection":
        throw quartetError({ code: Code.NotFound, reason: "NOT_FOUND", message: "There is no such collection." });
    }
  };
}
