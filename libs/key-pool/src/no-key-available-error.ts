/** Why no key can be used now. */
export type NoKeyReason = "resting" | "out-of-quota" | "refused";

const ADVICE: Readonly<Record<NoKeyReason, string>> = {
  resting: "every key of the model provider is at its rate limit",
  "out-of-quota": "every key of the model provider is out of quota: add credit or another key",
  refused: "the model provider refused every key: check the keys",
};

/** No key was left for the call. Nothing of a key, nor of the provider's own words, which quote keys, is in it. */
export class NoKeyAvailableError extends Error {
  override readonly name = "NoKeyAvailableError";
  /** `out-of-quota` when at least one is so and none rests; `refused` when all are. */
  readonly kind: NoKeyReason;
  /** When the first key returns; only for `resting`. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: NoKeyReason, retryAfterMs?: number) {
    super(ADVICE[kind]);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}
