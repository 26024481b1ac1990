import { createHash } from "node:crypto";
import type { VectorKey } from "./shared-vectors.ts";

/** What the names of all vectors of one tenant begin with, and no other's. */
export const tenantStart = (tenant: string): string => `${encodeURIComponent(tenant)}:`;

/**
 * What a vector is kept under. A text stands in it as its SHA-256 alone: a passage is several times as long as its vector, and who may read
 * keys learns of no question.
 */
export function vectorName({ tenant, space, purpose, text }: VectorKey): string {
  const hash = createHash("sha256").update(text).digest("base64url");
  return `${tenantStart(tenant)}${space.id}:${purpose.toLowerCase()}:${hash}`;
}
