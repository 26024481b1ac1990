import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { KeyState, type KeyStatsSchema } from "@quartet/contracts/type/v1/stats";
import { type KeyFigures, type KeyStateName, toMoney } from "@quartet/rpc";

const wireStates: Readonly<Record<KeyStateName, KeyState>> = {
  ready: KeyState.READY,
  resting: KeyState.RESTING,
  "out-of-quota": KeyState.EXHAUSTED,
  refused: KeyState.REFUSED,
};

/** The keys of one process, each with its share of the calls of its pool. */
export function toKeys(keys: readonly KeyFigures[], nowMs: number): MessageInitShape<typeof KeyStatsSchema>[] {
  const calls = new Map<string, number>();
  for (const key of keys) calls.set(key.pool, (calls.get(key.pool) ?? 0) + key.calls);
  return keys.map((key) => ({
    pool: key.pool,
    label: key.label,
    state: wireStates[key.state],
    ...(key.restMs > 0 && { restEndTime: timestampFromMs(Math.ceil(nowMs + key.restMs)) }),
    limitGroup: key.limitGroup,
    callCount: BigInt(key.calls),
    errorCount: BigInt(key.errors),
    restCount: BigInt(key.rests),
    inputTokenCount: BigInt(key.inputTokens),
    outputTokenCount: BigInt(key.outputTokens),
    ...(key.costNanos !== undefined && { cost: toMoney(key.costNanos) }),
    callShare: key.calls / Math.max(1, calls.get(key.pool)!),
    ...(key.remainingRequests !== undefined && { remainingRequestCount: BigInt(key.remainingRequests) }),
    ...(key.remainingTokens !== undefined && { remainingTokenCount: BigInt(key.remainingTokens) }),
  }));
}
