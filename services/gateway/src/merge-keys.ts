import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { KeyStats } from "@quartet/contracts/type/v1/stats";
import { addMoney } from "./domain/money.ts";

/**
 * The keys of all replicas, one entry for each label of a pool: what was counted adds up, the state is the worst that any replica tells, with the
 * longest rest, and of what remains the least. Sorted by pool, then by label, numbers in it as numbers.
 */
export function mergeKeys(keys: readonly KeyStats[]): KeyStats[] {
  const merged = new Map<string, KeyStats>();
  const calls = new Map<string, bigint>();
  for (const key of keys) {
    const name = `${key.pool} ${key.label}`;
    const sum = merged.get(name);
    merged.set(name, sum === undefined ? key : addKeys(sum, key));
    calls.set(key.pool, (calls.get(key.pool) ?? 0n) + key.callCount);
  }
  return [...merged.values()]
    .map((key) => ({ ...key, callShare: Number(key.callCount) / Math.max(1, Number(calls.get(key.pool))) }))
    .sort((one, other) => collator.compare(one.pool, other.pool) || collator.compare(one.label, other.label));
}

const collator = new Intl.Collator("en", { numeric: true });

function addKeys(sum: KeyStats, key: KeyStats): KeyStats {
  return {
    ...sum,
    // The contract lists states from what passes by itself to what an operator has to mend.
    state: key.state > sum.state ? key.state : sum.state,
    limitGroup: sum.limitGroup || key.limitGroup,
    callCount: sum.callCount + key.callCount,
    errorCount: sum.errorCount + key.errorCount,
    restCount: sum.restCount + key.restCount,
    inputTokenCount: sum.inputTokenCount + key.inputTokenCount,
    outputTokenCount: sum.outputTokenCount + key.outputTokenCount,
    ...present("restEndTime", later(sum.restEndTime, key.restEndTime)),
    ...present("cost", addMoney(sum.cost, key.cost)),
    ...present("remainingRequestCount", smaller(sum.remainingRequestCount, key.remainingRequestCount)),
    ...present("remainingTokenCount", smaller(sum.remainingTokenCount, key.remainingTokenCount)),
  };
}

const present = <K extends string, V>(name: K, value: V | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };

function smaller(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

function later(one: Timestamp | undefined, other: Timestamp | undefined): Timestamp | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return timestampMs(one) < timestampMs(other) ? other : one;
}
