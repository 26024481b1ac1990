import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { toMoney } from "./money.ts";

/** What model calls were billed for, as services count it. */
export interface BilledUsage {
  readonly inputTokens: number;
  /** Default: 0. */
  readonly outputTokens?: number;
  /** Default: 0. */
  readonly cachedInputTokens?: number;
  readonly calls: number;
  readonly estimated: boolean;
  /** In billionths of a US dollar; absent where there is no price. */
  readonly costNanos?: number | undefined;
}

/** A provider may tell any number, and the contract's fields hold 32 bits: what is above them is told as the most that they hold. */
export const toTokenUsage = ({
  inputTokens,
  outputTokens = 0,
  cachedInputTokens = 0,
  calls,
  estimated,
  costNanos,
}: BilledUsage): MessageInitShape<typeof TokenUsageSchema> => ({
  inputTokenCount: toCount(inputTokens),
  outputTokenCount: toCount(outputTokens),
  cachedInputTokenCount: toCount(cachedInputTokens),
  callCount: toCount(calls),
  estimated,
  ...(costNanos === undefined ? {} : { cost: toMoney(costNanos) }),
});

const MAX_COUNT = 2 ** 31 - 1;

const toCount = (value: number): number =>
  Number.isNaN(value) ? 0 : Math.min(MAX_COUNT, Math.max(0, Math.trunc(value)));
