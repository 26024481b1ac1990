import type { KeyAttempt } from "@quartet/key-pool";
import { ConnectionError, ErrorReply, type ReportedUsage } from "@quartet/provider";
import type { Usage } from "../domain/answerer.ts";

/** What one answer or chat costs, over all attempts. */
export interface Bill {
  /** A call is made with a key. */
  called(attempt: Pick<KeyAttempt, "addUsage">): void;
  /** It goes out on a connection, and is billed unless it is refused. */
  sent(): void;
  /** It failed; one that the provider refused, or that found no connection, costs nothing. */
  failed(error: unknown): void;
  /** The provider told what the call costs. */
  reported(usage: ReportedUsage): void;
  /**
   * Counts the whole on the key that was used last, at the first call of this, and gives it again at later ones. Undefined when no call was made.
   *
   * @param estimate for a provider that did not tell
   */
  close(estimate: () => Estimate): Usage | undefined;
}

/** The tokens of what was sent and of what came, as far as the texts say. */
export type Estimate = Pick<Usage, "inputTokens" | "outputTokens">;

/** What tokens cost, in billionths of a US dollar; undefined where nobody knows. */
export type CostOf = (usage: Pick<Usage, "inputTokens" | "outputTokens" | "cachedInputTokens">) => number | undefined;

/** @param costOf default: nobody knows */
export function createBill(costOf: CostOf = () => undefined): Bill {
  let calls = 0;
  /** The last call is. */
  let billed = false;
  /** Calls before it that broke off: what they were asked was read all the same, and nothing of an answer came, or there would be no other. */
  let brokenOff = 0;
  let last: Pick<KeyAttempt, "addUsage"> | undefined;
  let told: ReportedUsage | undefined;
  let closed: Usage | undefined;

  const total = (estimate: () => Estimate): Usage => {
    const ofLast = told ?? { ...(billed ? estimate() : { inputTokens: 0, outputTokens: 0 }), cachedInputTokens: 0 };
    const before = brokenOff > 0 ? brokenOff * estimate().inputTokens : 0;
    const estimated = brokenOff > 0 || (told === undefined && billed);
    return { ...ofLast, inputTokens: ofLast.inputTokens + before, calls, estimated };
  };

  return {
    called(attempt) {
      calls += 1;
      if (billed) brokenOff += 1;
      billed = false;
      told = undefined;
      last = attempt;
    },
    sent() {
      billed = true;
    },
    failed(error) {
      const isRefused = error instanceof ErrorReply && error.status !== undefined;
      if (isRefused || error instanceof ConnectionError) billed = false;
    },
    reported(usage) {
      told = usage;
    },
    close(estimate) {
      if (last === undefined || closed !== undefined) return closed;
      const usage = total(estimate);
      closed = { ...usage, costNanos: costOf(usage) };
      const { inputTokens, outputTokens, costNanos } = closed;
      last.addUsage({ inputTokens, outputTokens, costNanos });
      return closed;
    },
  };
}
