import type { DocumentService, PutGraphResponse } from "@quartet/contracts/gateway/v1/document_service";
import type { Graph } from "@quartet/contracts/type/v1/graph";
import type { Handler } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";
import { unlessNotEnabled } from "./not-enabled.ts";

/** Merges a graph into the tenant's, all or none. */
export function createPutGraph({
  admission,
  put,
}: {
  readonly admission: Admission;
  readonly put: (graph: Graph, call: Call) => Promise<Pick<PutGraphResponse, "changedCount" | "waitingDocumentCount">>;
}): Handler<typeof DocumentService.method.putGraph> {
  return admission.unary(async ({ graph }, context) => {
    try {
      const { changedCount, waitingDocumentCount } = await put(graph!, beginCall(context));
      return { changedCount, waitingDocumentCount };
    } catch (error) {
      throw unlessNotEnabled(error, "The stores of this server keep no graph.");
    }
  });
}
