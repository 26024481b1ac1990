import type { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { withRpcErrors } from "../convert/errors.ts";
import { fromGraphMessage } from "../convert/graph.ts";
import { toGraph } from "../domain/graph.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";
import { graphOf } from "./graph-of.ts";

/** Merges a graph into the tenant's, all or none. */
export function createPutGraph({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof DocumentService.method.putGraph> {
  return ({ graph }, context) =>
    withRpcErrors(async () => {
      const { tenant } = principalOf(context);
      const given = toGraph(fromGraphMessage(graph!));
      const { changedCount, waitingDocumentCount } = await graphOf(stores).put(tenant, given, callOptions(context));
      return { changedCount, waitingDocumentCount: BigInt(waitingDocumentCount) };
    });
}
