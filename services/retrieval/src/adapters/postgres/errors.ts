import { ConflictError, ConnectionError, PoolBusyError, PostgresError, StatementTimeoutError } from "@quartet/postgres";
import {
  StoreBusyError,
  StoreRefusedError,
  StoreTimeoutError,
  StoreUnavailableError,
} from "../../domain/store-errors.ts";

const store = "PostgreSQL";

/** What the port promises in place of what the driver says; defects of our own stay what they are. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof PoolBusyError) return new StoreBusyError(store, { cause: error });
  if (error instanceof StatementTimeoutError && error.limitMs !== undefined) {
    return new StoreTimeoutError(error.limitMs, { cause: error });
  }
  if (error instanceof ConnectionError || error instanceof StatementTimeoutError || error instanceof ConflictError) {
    return new StoreUnavailableError(store, { cause: error });
  }
  if (error instanceof PostgresError && isRefusal(error.sqlState ?? "")) {
    return new StoreRefusedError(store, { cause: error });
  }
  return error;
}

/** 22: a value that it cannot hold or compute with; 54: more than a statement may have. */
const isRefusal = (sqlState: string): boolean => sqlState.startsWith("22") || sqlState.startsWith("54");

/** Runs a port's work, giving its errors the port's names. */
export async function withStoreErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(error);
  }
}
