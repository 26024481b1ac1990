import { StoreBusyError, StoreRefusedError, StoreUnavailableError } from "../../domain/store-errors.ts";

const name = "the reranker";

/** The endpoint answered, and not with what its API promises. Nothing of the reply goes along. */
export class BrokenRerankReplyError extends Error {
  override readonly name = "BrokenRerankReplyError";
  constructor(what: string) {
    super(`${name} answered with ${what}; check QUARTET_RERANK_URL and QUARTET_RERANK_FORM`);
  }
}

/** It has asked to be left alone for a while, and that has not passed. */
export const resting = (): Error => new StoreBusyError(name);

/**
 * What a status means. That this very request is refused says nothing about the next; a key or an address that is wrong, a limit that is reached
 * and faults of its own do. Neither the address, the key nor the reply's text goes along: for logs, the status is enough.
 */
export function statusError(status: number): Error {
  const cause = new Error(`HTTP ${status}`);
  if (status === 400 || status === 413 || status === 422) return new StoreRefusedError(name, { cause });
  if (status === 401 || status === 403) {
    return new StoreUnavailableError(name, { cause: new Error(`HTTP ${status}; check QUARTET_RERANK_API_KEY`) });
  }
  if (status === 404 || status === 405) {
    return new StoreUnavailableError(name, { cause: new Error(`HTTP ${status}; check QUARTET_RERANK_URL`) });
  }
  return new StoreUnavailableError(name, { cause });
}

/** A connection that was not made or broke off, by the names that the system has for it: its texts hold addresses. */
export function connectionError(error: unknown): Error {
  const named = causes(error).flatMap(({ code }) =>
    typeof code === "string" && /^[A-Z_]{3,40}$/.test(code) ? [code] : [],
  );
  if (named.includes("UND_ERR_RES_EXCEEDED_MAX_SIZE")) return new BrokenRerankReplyError("a reply without end");
  return new StoreUnavailableError(name, { cause: new Error(`connection failed: ${named.join(", ")}`) });
}

/** An error and what caused it, from the outside in; not for ever, as an error may be its own cause. */
function causes(error: unknown): { readonly code?: unknown }[] {
  const found: { readonly code?: unknown }[] = [];
  for (let each = error; typeof each === "object" && each !== null && found.length < 8;) {
    found.push(each);
    each = (each as { readonly cause?: unknown }).cause;
  }
  return found;
}
