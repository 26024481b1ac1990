/** A value to compare with; a moment is in milliseconds since 1970, UTC, with fractions. */
export type Scalar =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "time"; readonly value: number };

/** A field that filters can name; the metadata key is checked against `metadataKeyPattern`. */
export type FilterField =
  { readonly kind: "attribute"; readonly name: AttributeName } | { readonly kind: "metadata"; readonly key: string };

/**
 * A condition on documents. Every engine gives the same answer to the same tree:
 * - strings are compared by code points after NFC (all strings in a tree are NFC);
 * - a document that lacks the field, or holds another type in it, satisfies no comparison on it; `noneOf` around that is satisfied;
 * - a list satisfies a comparison when any of its elements does; elements that are lists, objects or null satisfy none;
 * - a field is lacking when it is absent, null, an object, an empty attribute, or a list without any scalar.
 */
export type Filter =
  | { readonly kind: "allOf" | "anyOf" | "noneOf"; readonly filters: readonly Filter[] }
  | { readonly kind: "equalsAny"; readonly field: FilterField; readonly values: readonly Scalar[] }
  | FilterRange
  | { readonly kind: "exists"; readonly field: FilterField }
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "taxonomyPathPrefix"; readonly path: string };

/** Bounds of one type; at least one is there. */
export interface FilterRange {
  readonly kind: "range";
  readonly field: FilterField;
  readonly min?: Scalar;
  readonly max?: Scalar;
  readonly minExclusive: boolean;
  readonly maxExclusive: boolean;
}

/** The most a tree may have, root included. */
export const maxFilterDepth = 8;
export const maxFilterNodes = 256;

const attributes = {
  document_id: "document_id",
  collection: "collection",
  title: "title",
  uri: "uri",
  media_type: "media_type",
  language: "language",
  create_time: "create_time",
  update_time: "update_time",
} as const;

export type AttributeName = keyof typeof attributes;

/** Metadata keys as the contract allows them; a key no document can have is an unknown field. */
const metadataKeyPattern = /^\p{L}[\p{L}\p{N}_-]{0,63}$/u;
const metadataPrefix = "metadata.";

/** The field of that name; undefined when no document can have it. */
export function parseFilterField(name: string): FilterField | undefined {
  if (Object.hasOwn(attributes, name)) return { kind: "attribute", name: name as AttributeName };
  if (!name.startsWith(metadataPrefix)) return undefined;
  const key = name.slice(metadataPrefix.length).normalize("NFC");
  if (!metadataKeyPattern.test(key) || key === "tenant" || key === "tenant_id") return undefined;
  return { kind: "metadata", key };
}

/** Both conditions at once; either may be absent. */
export function both(left: Filter | undefined, right: Filter | undefined): Filter | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return { kind: "allOf", filters: [left, right] };
}

/** The documents that carry each of the tags; undefined, which is every document, for none. */
export function allTags(tags: readonly string[]): Filter | undefined {
  if (tags.length === 0) return undefined;
  return { kind: "allOf", filters: tags.map((tag) => ({ kind: "tag", tag })) };
}
