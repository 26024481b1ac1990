import type { FakeBehaviour } from "./behaviour.ts";
import { providerErrors } from "./provider-errors.ts";

/** What goes wrong with model providers, each with the name by which it is switched on. */
export interface Fault {
  /** In a few words. */
  readonly title: string;
  /** Whether it is the first key alone that it happens to, so that others can stand in. */
  readonly isOfOneKey: boolean;
  readonly behaviour: FakeBehaviour;
}

const everywhere = (title: string, behaviour: FakeBehaviour): Fault => ({ title, isOfOneKey: false, behaviour });
const ofOneKey = (title: string, behaviour: FakeBehaviour): Fault => ({ title, isOfOneKey: true, behaviour });

const SIX_MINUTES_LATER = {
  "x-ratelimit-limit-requests": "60",
  "x-ratelimit-remaining-requests": "0",
  "x-ratelimit-reset-requests": "6m0s",
};

export const faults = {
  a1: ofOneKey("429, come back in 1 s, on the first key", { error: providerErrors.rateLimit({ retryAfterMs: 1_000 }) }),
  a2: everywhere("429, come back in 30 s, on all keys", { error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) }),
  a3: ofOneKey("the first key is out of quota", { error: providerErrors.quota() }),
  a4: ofOneKey("the first key is refused", { error: providerErrors.auth("sk-faked-key") }),
  a5: everywhere("all keys share 3 requests a minute", { limit: { requests: 3, group: "organization" } }),
  a6: everywhere("server errors", { error: providerErrors.server(500) }),
  a7: everywhere("takes requests and never answers", { hang: true }),
  a8: everywhere("the first token after 13.5 s, nearly too late", { firstPieceMs: 13_500 }),
  a9: everywhere("silence after one token", { cut: { afterPieces: 1, by: "stall" } }),
  a10: everywhere("a stream that ends without finish_reason and [DONE]", { cut: { afterPieces: 3, by: "end" } }),
  a11: everywhere("the connection is reset after 3 tokens", { cut: { afterPieces: 3, by: "reset" } }),
  a12: everywhere("an event that is no JSON, after 3 tokens", { cut: { afterPieces: 3, by: "garbage" } }),
  a13: everywhere("an error inside of the stream, after 3 tokens", { cut: { afterPieces: 3, by: "error" } }),
  a14: everywhere("200 with an HTML page", { html: true }),
  a15: everywhere("split characters, \\r\\n, comments, no last empty line: all allowed", {
    writeBytes: 3,
    lineEnd: "\r\n",
    comments: true,
    lastBlankLine: false,
  }),
  a16: everywhere("answers cut by the content filter", { finishReason: "content_filter" }),
  a17: everywhere("answers without end", { endless: true }),
  a18: everywhere("fewer vectors than texts", { vectors: "fewer" }),
  a19: ofOneKey("nothing remains on the first key for 6 min, on replies that are good", { headers: SIX_MINUTES_LATER }),
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;

export const isFaultName = (name: string): name is FaultName => Object.hasOwn(faults, name);
