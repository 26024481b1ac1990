import type { Usage } from "../../domain/answerer.ts";
import { estimateTokens } from "../../domain/token-estimate.ts";
import { type Bill, type CostOf, createBill } from "../bill.ts";

/** What one relayed chat costs; what the provider does not tell is estimated from the pieces. */
export interface RelayBill extends Omit<Bill, "close"> {
  /** A piece of text came. */
  wrote(characters: number): void;
  /** As in Bill; nothing when no call was made. */
  close(): Usage;
}

/** Characters of a token at the most common; a piece of a stream is hardly ever less than a token. */
const CHARACTERS_PER_TOKEN = 4;

const nothing: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, calls: 0, estimated: false };

export function createRelayBill(body: Uint8Array, costOf: CostOf | undefined): RelayBill {
  const bill = createBill(costOf);
  let [pieces, characters] = [0, 0];
  const estimate = () => ({
    inputTokens: estimateTokens(Buffer.from(body).toString()),
    outputTokens: Math.max(pieces, Math.ceil(characters / CHARACTERS_PER_TOKEN)),
  });
  return {
    ...bill,
    wrote(more) {
      pieces += 1;
      characters += more;
    },
    close: () => bill.close(estimate) ?? nothing,
  };
}
