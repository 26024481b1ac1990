import { Code } from "@connectrpc/connect";
import type { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { type Document, DocumentView } from "@quartet/contracts/type/v1/document";
import { quartetError } from "@quartet/errors";
import type { Handler } from "@quartet/rpc";
import { nfc } from "@quartet/text";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";

/** Gets one document, by the record's list with a filter on its ID. */
export function createGetDocument({
  admission,
  find,
}: {
  readonly admission: Admission;
  readonly find: (documentId: string, view: DocumentView, call: Call) => Promise<Document | undefined>;
}): Handler<typeof DocumentService.method.getDocument> {
  return admission.unary(async ({ documentId, view }, context) => {
    const document = await find(nfc(documentId), view || DocumentView.FULL, beginCall(context));
    if (document !== undefined) return { document };
    throw quartetError({
      code: Code.NotFound,
      reason: "NOT_FOUND",
      message: "There is no document with this ID. List the documents to see which there are.",
    });
  });
}
