import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** An access token as its holder sends it: `qt_<id>_<secret>`. */
export interface TokenText {
  /** 16 characters of base32 in lower case: 80 random bits, which name the token and give nothing away. */
  readonly id: string;
  /** 43 characters of base64url: 256 random bits. */
  readonly secret: string;
}

const textPattern = /^qt_([a-z2-7]{16})_([A-Za-z0-9_-]{43})$/;
const bearerPattern = /^bearer +(\S+)$/i;

/** Longer headers are no access token, and not looked at. */
const maxHeaderLength = 128;

const base32 = "abcdefghijklmnopqrstuvwxyz234567";

/** Makes a token that nobody can guess. */
export function makeTokenText(): TokenText {
  const id = Array.from(randomBytes(16), (byte) => base32[byte & 31]).join("");
  return { id, secret: randomBytes(32).toString("base64url") };
}

export const formatTokenText = ({ id, secret }: TokenText): string => `qt_${id}_${secret}`;

/** The token of an `authorization: Bearer` header; undefined when it holds none. */
export function readBearer(header: string | null): TokenText | undefined {
  if (header === null || header.length > maxHeaderLength) return undefined;
  const [, id, secret] = textPattern.exec(bearerPattern.exec(header)?.[1] ?? "") ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/**
 * What is kept of a secret. Without salt and stretching, which are for passwords: 256 random bits can neither be guessed nor be found
 * in a table. The characters are hashed rather than the bytes they stand for, so that there is one way to write each.
 */
export const hashSecret = (secret: string): Uint8Array => createHash("sha256").update(secret).digest();

const nobody = hashSecret("");

/** Whether a secret is the one that was hashed, in time that does not depend on where they differ. Without a hash: no. */
export function matchesSecret(secret: string, hash: Uint8Array | undefined): boolean {
  const known = hash?.length === nobody.length ? hash : nobody;
  return timingSafeEqual(hashSecret(secret), known) && known === hash;
}
