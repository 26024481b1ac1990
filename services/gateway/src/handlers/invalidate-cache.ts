import { create } from "@bufbuild/protobuf";
import type { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { CacheSelectorSchema } from "@quartet/contracts/type/v1/operations";
import { type Handler, principalOf } from "@quartet/rpc";
import type { CacheInvalidation } from "../cache-invalidation.ts";
import type { Degradation } from "../domain/outcome.ts";
import type { Admission } from "./admission.ts";

/** Empties the caller's tenant's part of the caches of every process; one that does not answer does it when it can be reached again. */
export function createInvalidateCache({
  admission,
  invalidate,
}: {
  readonly admission: Admission;
  readonly invalidate: CacheInvalidation["invalidate"];
}): Handler<typeof OperationsService.method.invalidateCache> {
  return admission.unary(async ({ selector = create(CacheSelectorSchema) }, context) => {
    const { tenant } = principalOf(context);
    const { removed, missed } = await invalidate(tenant, selector, context.signal);
    return { removedCount: removed, degradations: missed.map(toDegradation) };
  });
}

const toDegradation = ({ service, silent, all }: { service: string; silent: number; all: number }): Degradation => ({
  hop: service,
  reason: "REPLICAS_MISSING",
  source: "",
  message: `${silent} of ${all} replicas of ${service} did not empty their caches, or what they share in Redis; they are asked again until they do.`,
});
