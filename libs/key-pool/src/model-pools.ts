import type { KeyState, KeyUsage } from "./entry.ts";
import { createKeyPool, type KeyPool, type KeyPoolOptions } from "./key-pool.ts";
import type { SharingOptions } from "./shared-keys.ts";

export interface ModelPoolsOptions extends Omit<KeyPoolOptions, "sharing"> {
  /** The model of calls that name none. */
  readonly model: string;
  /** Models with rests of their own; those named later share theirs. Default: 16. */
  readonly maxModels?: number;
  /** How replicas share what they learn of keys for one model. Default: each finds out for itself. */
  readonly sharingOf?: ((model: string) => SharingOptions) | undefined;
}

/** What replicas take for a model beyond the bound. */
const OTHERS = "other models";

/**
 * One set of keys for calls of several models. Providers limit each model on its own, so a key that rests for one is used for the others. What was
 * counted is told for all models together, and of states the worst.
 */
export function createModelPools({ model: own, maxModels = 16, sharingOf, ...options }: ModelPoolsOptions): KeyPool {
  const pools = new Map<string, KeyPool>();
  const open = (model: string): KeyPool => {
    const pool = createKeyPool({ ...options, sharing: sharingOf?.(model) });
    pools.set(model, pool);
    return pool;
  };
  const first = open(own);
  const poolOf = (model: string | undefined): KeyPool => {
    if (model === undefined || model === own) return first;
    const known = pools.get(model);
    if (known !== undefined) return known;
    if (pools.size < maxModels) return open(model);
    return pools.get(OTHERS) ?? open(OTHERS);
  };
  return {
    run: (attempt, callOptions = {}) => poolOf(callOptions.model).run(attempt, callOptions),
    stream: (begin, callOptions = {}) => poolOf(callOptions.model).stream(begin, callOptions),
    usage: () => [...pools.values()].map((pool) => pool.usage()).reduce(addUsages),
  };
}

const addUsages = (sums: readonly KeyUsage[], usages: readonly KeyUsage[]): readonly KeyUsage[] =>
  sums.map((sum, index) => addUsage(sum, usages[index]!));

const fromBest: readonly KeyState[] = ["ready", "resting", "out-of-quota", "refused"];

function addUsage(sum: KeyUsage, usage: KeyUsage): KeyUsage {
  const isWorse = fromBest.indexOf(usage.state) > fromBest.indexOf(sum.state);
  return {
    label: sum.label,
    state: isWorse ? usage.state : sum.state,
    restMs: Math.max(sum.restMs, usage.restMs),
    limitGroup: sum.limitGroup || usage.limitGroup,
    calls: sum.calls + usage.calls,
    errors: sum.errors + usage.errors,
    rests: sum.rests + usage.rests,
    inputTokens: sum.inputTokens + usage.inputTokens,
    outputTokens: sum.outputTokens + usage.outputTokens,
    costNanos: both(sum.costNanos, usage.costNanos, (one, other) => one + other),
    remainingRequests: both(sum.remainingRequests, usage.remainingRequests, Math.min),
    remainingTokens: both(sum.remainingTokens, usage.remainingTokens, Math.min),
  };
}

function both(one: number | undefined, other: number | undefined, join: (one: number, other: number) => number) {
  return one === undefined || other === undefined ? (one ?? other) : join(one, other);
}
