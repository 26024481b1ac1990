import type { DocumentService, ListDocumentsRequest } from "@quartet/contracts/gateway/v1/document_service";
import type { Document } from "@quartet/contracts/type/v1/document";
import type { Handler } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";

/** Lists documents, page by page, as the record does. */
export function createListDocuments({
  admission,
  listPage,
}: {
  readonly admission: Admission;
  readonly listPage: (
    request: Omit<ListDocumentsRequest, "$typeName" | "$unknown">,
    call: Call,
  ) => Promise<{ documents: Document[]; nextPageToken: string }>;
}): Handler<typeof DocumentService.method.listDocuments> {
  return admission.unary(async (request, context) => {
    const { documents, nextPageToken } = await listPage(request, beginCall(context));
    return { documents, nextPageToken };
  });
}
