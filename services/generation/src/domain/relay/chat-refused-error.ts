export interface ChatRefusal {
  /** The names are those of the contract's registry. */
  readonly reason: "FIELD_INVALID" | "MODEL_UNKNOWN" | "NOT_ENABLED";
  /** What is wrong and what to do, without the field's name; never a text of the client's or the provider's. */
  readonly description: string;
  /** The field at fault; empty where it is none or the whole body. */
  readonly field?: string | undefined;
  /** The provider's own name for its refusal, such as `context_length_exceeded`; absent where Quartet refuses. */
  readonly providerCode?: string | undefined;
  /** Whether the provider has no such model, which is another thing than one that the operator does not allow. */
  readonly isMissing?: boolean;
  readonly cause?: unknown;
}

/** A chat that is not passed on, or that the provider does not take: the client's to mend. */
export class ChatRefusedError extends Error implements ChatRefusal {
  override readonly name = "ChatRefusedError";
  readonly reason: ChatRefusal["reason"];
  readonly description: string;
  readonly field: string;
  readonly providerCode: string | undefined;
  readonly isMissing: boolean;

  constructor({ reason, description, field = "", providerCode, isMissing = false, cause }: ChatRefusal) {
    super(field === "" ? description : `${field}: ${description}`, { cause });
    this.reason = reason;
    this.description = description;
    this.field = field;
    this.providerCode = providerCode;
    this.isMissing = isMissing;
  }
}
