import { createHash } from "node:crypto";

/** Everything that changes what a model's vectors mean. */
export interface SpaceIdentity {
  readonly model: string;
  /** Which version of the model, where its name does not say. */
  readonly revision: string;
  readonly dimensions: number;
  /** What is put before a text. */
  readonly prefixes: { readonly query: string; readonly document: string };
  /** How vectors are scaled, as `l2`. */
  readonly normalization: string;
}

const HEX_DIGITS = 32;

/** The id of an embedding space: a hash of its identity, in lower-case hex. Never the address it was made at: models move. */
export function spaceId({ model, revision, dimensions, prefixes, normalization }: SpaceIdentity): string {
  const identity = JSON.stringify([model, revision, dimensions, prefixes.query, prefixes.document, normalization]);
  return createHash("sha256").update(identity).digest("hex").slice(0, HEX_DIGITS);
}
