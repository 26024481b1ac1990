import type { ErrorReply } from "@quartet/provider";
import { ChatRefusedError } from "../../domain/relay/chat-refused-error.ts";

/** What to do, by the provider's own name for its refusal. Its sentences stay where they are: they quote keys and prompts. */
const descriptions: Readonly<Record<string, string>> = {
  context_length_exceeded:
    "The chat is longer than the model can read. Shorten its messages, or ask for a shorter reply.",
  string_above_max_length: "The chat is longer than the model can read. Shorten its messages.",
  content_policy_violation: "The provider does not take this content.",
  content_filter: "The provider does not take this content.",
  unsupported_parameter: "is not supported by the model",
  unsupported_value: "has a value that the model does not support",
  unknown_parameter: "is not known to the provider",
};

const refusing: ReadonlySet<number> = new Set([400, 404, 413, 415, 422]);

/**
 * What the provider complains of in the chat itself, with its own names and a sentence of ours; undefined where the fault is another's, such as
 * an address that does not exist.
 */
export function refusalOf(error: ErrorReply): ChatRefusedError | undefined {
  const { status, code, param, type } = error;
  if (status === undefined || !refusing.has(status)) return undefined;
  if (status === 404) {
    // Without a name it is the address of the provider that is wrong, and the operator who must act.
    if (code === undefined && type === undefined) return undefined;
    const description = "is not known to the provider";
    return new ChatRefusedError({
      reason: "MODEL_UNKNOWN",
      field: "model",
      description,
      providerCode: code,
      isMissing: true,
      cause: error,
    });
  }
  const providerCode = code ?? type;
  const known = code === undefined ? undefined : descriptions[code];
  const description =
    known ?? "The provider does not take this chat; its parameters, or their values, do not fit the model.";
  return new ChatRefusedError({ reason: "FIELD_INVALID", field: param, description, providerCode, cause: error });
}
