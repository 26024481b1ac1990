import type { CountDocumentsRequest, DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import type { DocumentCount } from "@quartet/contracts/type/v1/document";
import type { Handler } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";

/** Counts documents, page by page, as the record does. */
export function createCountDocuments({
  admission,
  countPage,
}: {
  readonly admission: Admission;
  readonly countPage: (
    request: Omit<CountDocumentsRequest, "$typeName" | "$unknown">,
    call: Call,
  ) => Promise<{ counts: DocumentCount[]; nextPageToken: string }>;
}): Handler<typeof DocumentService.method.countDocuments> {
  return admission.unary(async (request, context) => {
    const { counts, nextPageToken } = await countPage(request, beginCall(context));
    return { counts, nextPageToken };
  });
}
