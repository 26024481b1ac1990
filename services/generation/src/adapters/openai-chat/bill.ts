import type { KeyAttempt } from "@quartet/key-pool";
import { ErrorReply, type ReportedUsage } from "@quartet/provider";
import type { Usage } from "../../domain/answerer.ts";
import type { ChatMessage } from "../../domain/prompt.ts";
import { estimateTokens } from "../../domain/token-estimate.ts";

/** What one answer costs, over all attempts. */
export interface Bill {
  /** A call goes out with a key; it is billed unless it is refused. */
  called(attempt: Pick<KeyAttempt, "addUsage">): void;
  /** The call failed; one that the provider refused costs nothing. */
  failed(error: unknown): void;
  /** The provider told what the call costs. */
  reported(usage: ReportedUsage): void;
  /**
   * Counts the whole on the key that was used last, at the first call of this. Undefined when no call went out. What the
   * provider did not tell is estimated from the texts.
   */
  close(answer: string): Usage | undefined;
}

/** What tokens cost, in billionths of a US dollar; undefined where nobody knows. */
export type CostOf = (usage: Pick<Usage, "inputTokens" | "outputTokens" | "cachedInputTokens">) => number | undefined;

/** @param costOf default: nobody knows */
export function createBill(messages: readonly ChatMessage[], costOf: CostOf = () => undefined): Bill {
  let calls = 0;
  let billed = false;
  let closed = false;
  let last: Pick<KeyAttempt, "addUsage"> | undefined;
  let told: ReportedUsage | undefined;

  const total = (answer: string): Usage => {
    if (told !== undefined) return { ...told, calls, estimated: false };
    const inputTokens = billed ? estimateTokens(messages.map(({ content }) => content).join("\n")) : 0;
    return { inputTokens, outputTokens: estimateTokens(answer), cachedInputTokens: 0, calls, estimated: billed };
  };

  return {
    called(attempt) {
      calls += 1;
      billed = true;
      last = attempt;
    },
    failed(error) {
      if (error instanceof ErrorReply && error.status !== undefined) billed = false;
    },
    reported(usage) {
      told = usage;
    },
    close(answer) {
      if (last === undefined) return undefined;
      const usage = total(answer);
      const priced = { ...usage, costNanos: costOf(usage) };
      const { inputTokens, outputTokens, costNanos } = priced;
      if (!closed) last.addUsage({ inputTokens, outputTokens, costNanos });
      closed = true;
      return priced;
    },
  };
}
