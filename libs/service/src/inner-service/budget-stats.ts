import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { BudgetStatsSchema } from "@quartet/contracts/type/v1/stats";
import { type BudgetFigures, toMoney } from "@quartet/rpc";

export function toBudget(budget: BudgetFigures): MessageInitShape<typeof BudgetStatsSchema> {
  const { scope, limitNanos, spentNanos, reservedNanos, resetTimeMs } = budget;
  return {
    scope,
    ...(limitNanos !== undefined && { limit: toMoney(limitNanos) }),
    spent: toMoney(spentNanos),
    reserved: toMoney(reservedNanos),
    resetTime: timestampFromMs(resetTimeMs),
  };
}
