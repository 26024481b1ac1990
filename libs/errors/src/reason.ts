import { Reason as ReasonEnum } from "@quartet/contracts/type/v1/reason";

/** The domain of every google.rpc.ErrorInfo that Quartet makes. */
export const domain = "quartet";

/**
 * A machine-readable reason: a name of the contract's registry (quartet.type.v1.Reason) without its prefix.
 * Add a reason there first; this type follows.
 */
export type Reason = Exclude<keyof typeof ReasonEnum, "UNSPECIFIED">;

/** Every reason of the registry this build knows. */
export const reasons: readonly Reason[] = Object.keys(ReasonEnum).filter(
  (name): name is Reason => name !== "UNSPECIFIED",
);

const known: ReadonlySet<string> = new Set(reasons);

/** Whether a text from the wire is a reason this build knows; a newer peer may send others. */
export function isReason(text: string): text is Reason {
  return known.has(text);
}
