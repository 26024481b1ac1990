import { Code, type ConnectError } from "@connectrpc/connect";
import { quartetError } from "./quartet-error.ts";

/**
 * INVALID_ARGUMENT (FIELD_INVALID) naming one field.
 *
 * @param field its path in the contract's names; empty where it is the whole request that is wrong
 * @param description what it must be, such as `must not be blank`
 */
export function fieldInvalid(field: string, description: string): ConnectError {
  return quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: field === "" ? description : `${field}: ${description}`,
    ...(field !== "" && { violations: [{ field, description }] }),
  });
}
