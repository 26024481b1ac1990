import { Code, ConnectError } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";

/**
 * What to throw for an inner service's error: between services an rpc that is not there is a mistake, but of some it means that this installation has
 * no such part, which `message` says.
 */
export function unlessNotEnabled(error: unknown, message: string): unknown {
  const isNotEnabled =
    error instanceof ConnectError && error.cause instanceof ConnectError && error.cause.code === Code.Unimplemented;
  if (!isNotEnabled) return error;
  return quartetError({ code: Code.Unimplemented, reason: "NOT_ENABLED", message, cause: error });
}
