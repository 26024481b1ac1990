import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { nfc } from "@quartet/text";
import { withRpcErrors } from "../convert/errors.ts";
import { pageSizeOf } from "../convert/page-size.ts";
import { PageTokenError, readPageToken, writePageToken } from "../domain/page-token.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";

/** Lists what is still to be embedded in a space. */
export function createListPassagesWithoutVector({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof IndexService.method.listPassagesWithoutVector> {
  return ({ collection, spaceId, documentIds, pageSize, pageToken }, context) =>
    withRpcErrors(async () => {
      const { tenant } = principalOf(context);
      const list = ["ListPassagesWithoutVector", tenant, collection, spaceId, documentIds];
      const query = {
        collection,
        spaceId,
        documentIds: documentIds.map(nfc),
        afterPassageId: toPassageId(readPageToken(list, pageToken)),
        limit: pageSizeOf(pageSize, { standard: 256, most: 1000 }),
      };
      const page = await stores.vectors.missing(tenant, query, callOptions(context));
      return {
        contents: page.contents.map(({ contentHash, text }) => ({ contentHash, text })),
        nextPageToken: writePageToken(list, page.nextAfterPassageId?.toString()),
      };
    });
}

function toPassageId(token: string | undefined): number {
  const id = Number(token ?? "0");
  if (!Number.isSafeInteger(id) || id < 0) throw new PageTokenError();
  return id;
}
