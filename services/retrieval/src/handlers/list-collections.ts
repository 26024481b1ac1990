import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { toCollectionMessage } from "../convert/collection.ts";
import { withRpcErrors } from "../convert/errors.ts";
import { pageSizeOf } from "../convert/page-size.ts";
import { compareCodePoints } from "../domain/code-point-order.ts";
import { readPageToken, writePageToken } from "../domain/page-token.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";

/** Lists the tenant's collections by name, page by page. */
export function createListCollections({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof IndexService.method.listCollections> {
  return ({ pageSize, pageToken }, context) =>
    withRpcErrors(async () => {
      const { tenant } = principalOf(context);
      const list = ["ListCollections", tenant];
      const after = readPageToken(list, pageToken);
      const limit = pageSizeOf(pageSize, { standard: 100, most: 1000 });
      const all = await stores.records.collections(tenant, callOptions(context));
      const left = all.filter(({ state }) => after === undefined || compareCodePoints(state.collection, after) > 0);
      const page = left.slice(0, limit);
      return {
        collections: page.map(toCollectionMessage),
        nextPageToken: writePageToken(list, left.length > limit ? page.at(-1)!.state.collection : undefined),
      };
    });
}
