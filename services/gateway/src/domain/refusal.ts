import type { Reason } from "@quartet/errors";

/** What the composition itself refuses or gives up, as opposed to what a hop failed with. */
export type RefusalReason = Extract<
  Reason,
  | "DEADLINE_TOO_SHORT"
  | "OUT_OF_TIME"
  | "EMBEDDING_SPACE_MISMATCH"
  | "STREAM_TRUNCATED"
  | "CREDENTIAL_INVALID"
  | "ROLE_MISSING"
>;

/** A decision of the rules in domain/ not to go on. Handlers turn it into an error of the contract. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
