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

export function createBill(messages: readonly ChatMessage[]): Bill {
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
      if (!closed) last.addUsage({ inputTokens: usage.inputTokens, outputTokens: usage.outputTokens });
      closed = true;
      return usage;
    },
  };
}
