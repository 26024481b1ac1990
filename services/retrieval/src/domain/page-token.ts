import { sha256 } from "./passage-content.ts";

/** A page token that is none, or of another list. */
export class PageTokenError extends Error {}

/** What a list is: whose, of which rpc, with which request. A token of another list is refused. */
export type ListIdentity = readonly unknown[];

/** An opaque token that stands for where the next page of this list starts; empty when there is none. */
export function writePageToken(list: ListIdentity, next: string | undefined): string {
  if (next === undefined) return "";
  return Buffer.from(JSON.stringify([fingerprint(list), next]), "utf8").toString("base64url");
}

/** What `writePageToken` was given for the same list; undefined for the first page. Throws PageTokenError. */
export function readPageToken(list: ListIdentity, token: string): string | undefined {
  if (token === "") return undefined;
  const parts = parse(Buffer.from(token, "base64url").toString("utf8"));
  if (!Array.isArray(parts) || parts.length !== 2 || typeof parts[1] !== "string") throw new PageTokenError();
  if (parts[0] !== fingerprint(list)) throw new PageTokenError();
  return parts[1];
}

function fingerprint(list: ListIdentity): string {
  return sha256(JSON.stringify(list)).slice(0, 24);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new PageTokenError();
  }
}
