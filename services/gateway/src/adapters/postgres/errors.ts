import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { ConflictError, ConnectionError, PoolBusyError, SchemaError, StatementTimeoutError } from "@quartet/postgres";

/** Runs work on the store. What PostgreSQL fails with becomes an error of the contract; defects of our own stay what they are. */
export async function withStoreErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(error);
  }
}

const passing = [ConnectionError, StatementTimeoutError, ConflictError, SchemaError];

function toStoreError(cause: unknown): unknown {
  if (cause instanceof PoolBusyError) {
    return quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: "The gateway's store is at its limit. Try again shortly.",
      retryDelayMs: 1_000,
      cause,
    });
  }
  if (!passing.some((type) => cause instanceof type)) return cause;
  return quartetError({
    code: Code.Unavailable,
    reason: "UPSTREAM_FAILED",
    message: "The gateway's store cannot be asked now. Try again shortly.",
    retryDelayMs: 1_000,
    cause,
  });
}
