import { mostTokens } from "@quartet/budget";
import type { KeyAttempt } from "@quartet/key-pool";
import { ConnectionError, ErrorReply } from "@quartet/provider";
import type { Usage } from "../../domain/embedder.ts";
import { readInputTokens } from "./embedding-reply.ts";

/** What one list of texts costs, over all attempts; each is counted on the key that it was made with. */
export interface EmbeddingBill {
  /** Undefined while nothing was billed. */
  readonly usage: Usage | undefined;
  /** A call is made. */
  called(): void;
  /** It goes out on a connection. */
  sent(): void;
  /** The provider answered, whether that is of use or not. */
  replied(attempt: Pick<KeyAttempt, "addUsage">, reply: unknown): void;
  /** There was no whole reply: the caller left, the time was over, or it broke off. A call that did not go out, or was refused, costs nothing. */
  failed(attempt: Pick<KeyAttempt, "addUsage">, error: unknown): void;
}

/** What tokens cost, in billionths of a US dollar; undefined where nobody knows. */
export type CostOf = (tokens: { readonly inputTokens: number }) => number | undefined;

/** Where the provider does not tell: about four bytes of UTF-8 make a token, in English and in Korean. */
const BYTES_PER_TOKEN = 4;
/**
 * A token is a byte at least, and little is put around a text. What is far above that is no count, and would spend the budgets of a month at once,
 * which nobody takes back.
 */
const MOST_TOKENS_PER_BYTE = 16;
const MOST_TOKENS_AROUND = 1_000;

export function createEmbeddingBill(texts: readonly string[], costOf: CostOf): EmbeddingBill {
  const bytes = texts.reduce((sum, text) => sum + mostTokens(text), 0);
  const most = MOST_TOKENS_AROUND + MOST_TOKENS_PER_BYTE * bytes;
  let [calls, billed, sum] = [0, 0, 0];
  let isEstimated = false;
  let isSent = false;

  const count = ({ addUsage }: Pick<KeyAttempt, "addUsage">, told: number | undefined) => {
    const inputTokens = told !== undefined && told <= most ? told : undefined;
    const tokens = inputTokens ?? Math.ceil(bytes / BYTES_PER_TOKEN);
    billed += 1;
    sum += tokens;
    isEstimated ||= inputTokens === undefined;
    addUsage({ inputTokens: tokens, costNanos: costOf({ inputTokens: tokens }) });
  };

  return {
    get usage() {
      return billed === 0 ? undefined : { inputTokens: sum, calls, estimated: isEstimated };
    },
    called: () => {
      calls += 1;
      isSent = false;
    },
    sent: () => void (isSent = true),
    replied: (attempt, reply) => count(attempt, readInputTokens(reply)),
    failed: (attempt, error) => {
      const isFree = !isSent || error instanceof ErrorReply || error instanceof ConnectionError;
      if (!isFree) count(attempt, undefined);
    },
  };
}
