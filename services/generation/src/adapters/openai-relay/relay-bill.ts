import type { KeyAttempt } from "@quartet/key-pool";
import { ErrorReply, type ReportedUsage } from "@quartet/provider";
import type { Usage } from "../../domain/answerer.ts";
import type { CostOf } from "../openai-chat/bill.ts";
import { estimateTokens } from "../../domain/token-estimate.ts";

/** What one relayed chat costs, over all attempts. */
export interface RelayBill {
  /** A call goes out with a key; it is billed unless it is refused. */
  called(attempt: Pick<KeyAttempt, "addUsage">): void;
  /** The call failed; one that the provider refused costs nothing. */
  failed(error: unknown): void;
  /** The provider told what the call costs. */
  reported(usage: ReportedUsage): void;
  /** A piece of text came. */
  wrote(characters: number): void;
  /** Counts the whole on the key that was used last, at the first call of this. What the provider did not tell is estimated. */
  close(): Usage;
}

/** Characters of a token at the most common; a piece of a stream is hardly ever less than a token. */
const CHARACTERS_PER_TOKEN = 4;

/** @param costOf what tokens cost; default: nobody knows */
export function createRelayBill(body: Uint8Array, costOf: CostOf = () => undefined): RelayBill {
  let calls = 0;
  let billed = false;
  let last: Pick<KeyAttempt, "addUsage"> | undefined;
  let told: ReportedUsage | undefined;
  let [pieces, characters] = [0, 0];

  const total = (): Usage => {
    if (told !== undefined) return { ...told, calls, estimated: false };
    if (!billed) return { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, calls, estimated: false };
    const outputTokens = Math.max(pieces, Math.ceil(characters / CHARACTERS_PER_TOKEN));
    const inputTokens = estimateTokens(Buffer.from(body).toString());
    return { inputTokens, outputTokens, cachedInputTokens: 0, calls, estimated: true };
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
    wrote(more) {
      pieces += 1;
      characters += more;
    },
    close() {
      const usage = total();
      const priced = { ...usage, costNanos: costOf(usage) };
      const { inputTokens, outputTokens, costNanos } = priced;
      last?.addUsage({ inputTokens, outputTokens, costNanos });
      last = undefined;
      return priced;
    },
  };
}
