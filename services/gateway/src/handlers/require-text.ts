import { fieldInvalid } from "@quartet/errors";
import { nfc } from "@quartet/text";

/**
 * The text of a question in NFC.
 *
 * @throws INVALID_ARGUMENT when it is blank: the contract's own rule, read to the letter, knows the white space of ASCII only, and an
 * East Asian keyboard types others.
 */
export function requireText(value: string, field: string): string {
  if (value.trim() !== "") return nfc(value);
  throw fieldInvalid(field, "must not be blank");
}
