import type { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import type { Collection } from "@quartet/contracts/type/v1/collection";
import type { Handler } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall } from "./begin-run.ts";

/** Lists collections with their spaces and how far vectors have come. */
export function createListCollections({
  admission,
  listPage,
}: {
  readonly admission: Admission;
  readonly listPage: (
    request: { readonly pageSize: number; readonly pageToken: string },
    call: Call,
  ) => Promise<{ collections: Collection[]; nextPageToken: string }>;
}): Handler<typeof DocumentService.method.listCollections> {
  return admission.unary(async ({ pageSize, pageToken }, context) => {
    const { collections, nextPageToken } = await listPage({ pageSize, pageToken }, beginCall(context));
    return { collections, nextPageToken };
  });
}
