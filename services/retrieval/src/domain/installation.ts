import type { CallOptions } from "./record-store.ts";

/** What one installation keeps for all of its processes. */
export interface Installation {
  /** At least 32 random bytes, made once: the same in every process, and in those that come after a restart. */
  pageTokenKey(options: CallOptions): Promise<Uint8Array>;
}
