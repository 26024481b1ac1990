import { toBinary } from "@bufbuild/protobuf";
import type { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { DocumentFacet } from "@quartet/contracts/type/v1/document";
import { FilterSchema } from "@quartet/contracts/type/v1/filter";
import { type Handler, principalOf } from "@quartet/rpc";
import { nfc } from "@quartet/text";
import { withRpcErrors } from "../convert/errors.ts";
import { toFilter } from "../convert/filter.ts";
import { pageSizeOf } from "../convert/page-size.ts";
import type { DocumentCount, Facet } from "../domain/document-counts.ts";
import { PageTokenError, readPageToken, writePageToken } from "../domain/page-token.ts";
import type { RecordStore } from "../domain/record-store.ts";
import { callOptions } from "./call-options.ts";

/** Counts documents by tag or taxonomy path, page by page. */
export function createCountDocuments({
  stores,
}: {
  readonly stores: { readonly records: Pick<RecordStore, "countDocuments"> };
}): Handler<typeof DocumentService.method.countDocuments> {
  return ({ facet: facetNumber, prefix: given, filter: filterMessage, pageSize, pageToken }, context) =>
    withRpcErrors(async () => {
      const { tenant } = principalOf(context);
      const facet: Facet = facetNumber === DocumentFacet.TAG ? "tag" : "taxonomyPath";
      const prefix = facet === "tag" ? nfc(given) : nfc(given).replace(/\/+$/, "");
      const filterBytes = filterMessage === undefined ? "" : toBinary(FilterSchema, filterMessage);
      const list = ["CountDocuments", tenant, facet, prefix, Buffer.from(filterBytes).toString("base64")];
      const query = {
        facet,
        prefix,
        filter: toFilter(filterMessage, "filter"),
        after: toCount(readPageToken(list, pageToken)),
        limit: pageSizeOf(pageSize, { standard: 100, most: 1000 }),
      };
      const { counts, next } = await stores.records.countDocuments(tenant, query, callOptions(context));
      return {
        counts: counts.map(({ value, documentCount }) => ({ value, documentCount: BigInt(documentCount) })),
        nextPageToken: writePageToken(list, next && JSON.stringify([next.documentCount, next.value])),
      };
    });
}

/** Where a page starts, as its token has it. */
function toCount(place: string | undefined): DocumentCount | undefined {
  if (place === undefined) return undefined;
  try {
    const [documentCount, value] = JSON.parse(place) as unknown[];
    if (Number.isSafeInteger(documentCount) && typeof value === "string") {
      return { documentCount: documentCount as number, value };
    }
  } catch {
    // Not one of ours, as below.
  }
  throw new PageTokenError();
}
