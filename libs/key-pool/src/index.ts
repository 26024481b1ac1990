export type { AttemptUsage, KeyAttempt } from "./attempt-context.ts";
export { httpVerdict, restMsOf } from "./http-verdict.ts";
export type { HeadersLike, KeyVerdict } from "./http-verdict.ts";
export { createKeyPool } from "./key-pool.ts";
export type { CallOptions, KeyPool, KeyPoolOptions } from "./key-pool.ts";
export type { KeyState, KeyUsage, PoolKey } from "./entry.ts";
export { NoKeyAvailableError } from "./no-key-available-error.ts";
export type { NoKeyReason } from "./no-key-available-error.ts";
export type { SharedMarks, SharingOptions } from "./shared-keys.ts";
