/**
 * What an error is called: the first word of Redis' reply, as `OOM`, or the system's name for what befell the connection, as `ECONNREFUSED`.
 * Never its text or its command: they hold addresses, keys, values, and the password where that was refused.
 */
export function errorCode(error: unknown): string {
  if (isReply(error)) return /^([A-Z][A-Z0-9]{1,30})(?= |$)/.exec(error.message)?.[1] ?? "ERR";
  const { code } = (error ?? {}) as { readonly code?: unknown };
  if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code;
  return "CONNECTION_LOST";
}

/** Whether the server itself said so; anything else befell the connection. */
export const isReply = (error: unknown): error is Error => error instanceof Error && error.name === "ReplyError";

/** Replies that are about the server, not about the command: none of its data can be had now. */
export const serverWide: ReadonlySet<string> = new Set([
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "NOAUTH",
  "TRYAGAIN",
]);
