import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { nfc } from "@quartet/text";

/**
 * The text of a question in NFC.
 *
 * @throws INVALID_ARGUMENT when it is blank: the contract's own rule, read to the letter, knows the white space of ASCII only, and an
 * East Asian keyboard types others.
 */
export function requireText(value: string, field: string): string {
  if (value.trim() !== "") return nfc(value);
  const violations = [{ field, description: "must not be blank" }];
  throw quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: `${field}: must not be blank`,
    violations,
  });
}
