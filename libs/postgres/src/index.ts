export { createPool } from "./pool.ts";
export type { Pool, PoolOptions, PoolStats } from "./pool.ts";
export type { Statement, Transaction, TransactionOptions } from "./transaction.ts";
export { createStatementTimings } from "./statement-timings.ts";
export type {
  ObservedStatement,
  StatementRun,
  StatementTimings,
  StatementTimingsOptions,
  StatementValues,
} from "./statement-timings.ts";
export type { ConnectionOptions } from "./connection-options.ts";
export {
  ConflictError,
  ConnectionError,
  ConstraintError,
  PoolBusyError,
  PostgresError,
  StatementTimeoutError,
} from "./errors.ts";
export { migrate } from "./migrate.ts";
export type { MigrateOptions } from "./migrate.ts";
export { checkSchema, explain, SchemaError } from "./schema.ts";
export type { Schema } from "./schema.ts";
