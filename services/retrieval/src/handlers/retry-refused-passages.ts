import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { withRpcErrors } from "../convert/errors.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";

/** Takes back that passages of a collection are refused. */
export function createRetryRefusedPassages({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof IndexService.method.retryRefusedPassages> {
  return async ({ collection }, context) => {
    const { tenant } = principalOf(context);
    const passageCount = await withRpcErrors(() =>
      stores.vectors.retryRefused(tenant, collection, callOptions(context)),
    );
    return { passageCount: BigInt(passageCount) };
  };
}
