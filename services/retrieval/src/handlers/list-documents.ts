import { toBinary } from "@bufbuild/protobuf";
import type { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { DocumentView } from "@quartet/contracts/type/v1/document";
import { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { type Handler, principalOf } from "@quartet/rpc";
import { toDocumentMessage } from "../convert/document.ts";
import { withRpcErrors } from "../convert/errors.ts";
import { toFilter } from "../convert/filter.ts";
import { pageSizeOf } from "../convert/page-size.ts";
import { readPageToken, writePageToken } from "../domain/page-token.ts";
import type { RecordStore } from "../domain/record-store.ts";
import { callOptions } from "./call-options.ts";

/** A message is at most 4 MiB; what is not text needs room too. */
const maxTextBytes = 3 * 1024 ** 2;

/** Lists documents by ID, page by page. */
export function createListDocuments({
  stores,
}: {
  readonly stores: { readonly records: Pick<RecordStore, "listDocuments"> };
}): Handler<typeof DocumentService.method.listDocuments> {
  return ({ pageSize, pageToken, filter: filterMessage, view }, context) =>
    withRpcErrors(async () => {
      const { tenant } = principalOf(context);
      const filterBytes = filterMessage === undefined ? "" : toBinary(FilterSchema, filterMessage);
      const list = ["ListDocuments", tenant, Buffer.from(filterBytes).toString("base64"), view];
      const query = {
        filter: toFilter(filterMessage, "filter"),
        afterId: readPageToken(list, pageToken),
        limit: pageSizeOf(pageSize, { standard: 100, most: 1000 }),
        maxTextBytes: view === DocumentView.FULL ? maxTextBytes : undefined,
      };
      const page = await stores.records.listDocuments(tenant, query, callOptions(context));
      return {
        documents: page.documents.map(({ document, text }) => toDocumentMessage(document, text)),
        nextPageToken: writePageToken(list, page.nextAfterId),
      };
    });
}
