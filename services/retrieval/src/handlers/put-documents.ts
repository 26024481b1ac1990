import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { type PutDocumentResultSchema, PutOutcome } from "@quartet/contracts/type/v1/document";
import { type Handler, principalOf } from "@quartet/rpc";
import { toStateMessage } from "../convert/collection.ts";
import { fromDocumentMessage } from "../convert/document.ts";
import { withRpcErrors } from "../convert/errors.ts";
import { type PutOutcomeOfOne, putDocuments } from "../domain/put-documents.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";

export interface PutDocumentsOptions {
  readonly stores: Stores;
  /** Told why a document could not be stored, for logs. */
  readonly onFailure: (error: unknown) => void;
}

/** Cuts documents into passages and commits them; each one that fails says so in its result. */
export function createPutDocuments({
  stores,
  onFailure,
}: PutDocumentsOptions): Handler<typeof DocumentService.method.putDocuments> {
  return async ({ documents }, context) => {
    const { tenant } = principalOf(context);
    const { results, collections } = await withRpcErrors(() =>
      putDocuments(stores, tenant, documents.map(fromDocumentMessage), callOptions(context)),
    );
    for (const result of results) if (result.outcome === "failed") onFailure(result.error);
    return { results: results.map(toResult), collections: collections.map(toStateMessage) };
  };
}

const outcomes = {
  created: PutOutcome.CREATED,
  replaced: PutOutcome.REPLACED,
  unchanged: PutOutcome.UNCHANGED,
} as const;

function toResult(result: PutOutcomeOfOne): MessageInitShape<typeof PutDocumentResultSchema> {
  const { documentId, outcome } = result;
  const version = BigInt(result.version);
  switch (outcome) {
    case "created":
    case "replaced":
    case "unchanged":
      return { documentId, outcome: outcomes[outcome], version };
    case "refused":
      return {
        documentId,
        outcome: PutOutcome.FAILED,
        version,
        failure: { code: "invalid_argument", reason: "FIELD_INVALID", message: `${result.field}: ${result.message}` },
      };
    case "failed":
      return {
        documentId,
        outcome: PutOutcome.FAILED,
        version,
        failure: {
          code: "unavailable",
          reason: "UPSTREAM_FAILED",
          message: "The record could not be written. Try again; if it goes on, look at the retrieval service's log.",
        },
      };
  }
}
