import { sliceByCodePoints } from "@quartet/text";
import type { DocumentAttributes, MetadataValue } from "../../domain/document.ts";
import type { FilterField, Scalar } from "../../domain/filter.ts";
import { parseTime } from "../../domain/time.ts";

/**
 * What filters ask about a document, as terms of one keyword field, `facts`: `FIELD:` says that the field is there, `FIELD:sVALUE` that it holds
 * the string, `FIELD:nHEX` the number, `FIELD:b0` or `b1` the truth value, `FIELD:tHEX` the moment.
 *
 * So any metadata key can be filtered on without a field of its own in the mapping, types are told apart, and a range within one field and
 * type is a range of terms: strings sort by bytes of UTF-8, and numbers are written so that they do, too. No field's name has a colon.
 */
export const kindLetters = { boolean: "b", number: "n", string: "s", time: "t" } as const satisfies Record<
  Scalar["kind"],
  string
>;

export const tagField = "tag";
export const taxonomyField = "taxonomy";

export function nameOf(field: FilterField): string {
  return field.kind === "attribute" ? field.name : `metadata.${field.key}`;
}

export function encodeScalar({ kind, value }: Scalar): string {
  switch (kind) {
    case "string":
      return encodeText(value);
    case "number":
    case "time":
      return encodeNumber(value);
    case "boolean":
      return value ? "1" : "0";
  }
}

/**
 * Lucene takes terms of at most 32,766 bytes. What is cut off changes no answer: filters hold at most 1,024 characters, three times that in
 * NFC, so where a longer string stands, to one side of a bound or the other and never equal to it, is decided well before the cut.
 */
const maxCharacters = 7_800;

export function encodeText(text: string): string {
  return text.length <= maxCharacters ? text : sliceByCodePoints(text, 0, maxCharacters);
}

const bits = new DataView(new ArrayBuffer(8));

/** 16 hex digits that sort as the numbers do: the sign turned round, and below zero all bits. */
export function encodeNumber(value: number): string {
  // Adding 0 makes -0 what it equals.
  bits.setFloat64(0, value + 0);
  const pattern = bits.getBigUint64(0);
  const sign = 1n << 63n;
  const sortable = (pattern & sign) === 0n ? pattern | sign : ~pattern & 0xffff_ffff_ffff_ffffn;
  return sortable.toString(16).padStart(16, "0");
}

/** All terms of a document; see above. */
export function factsOf(document: DocumentAttributes): string[] {
  const found = new Set<string>();
  const add = (field: string, scalar: Scalar) => {
    found.add(`${field}:`);
    found.add(`${field}:${kindLetters[scalar.kind]}${encodeScalar(scalar)}`);
  };
  const { id, collection, title, uri, mediaType, language, createTimeMs, updateTimeMs } = document;
  const texts = { document_id: id, collection, title, uri, media_type: mediaType, language };
  for (const [field, value] of Object.entries(texts)) if (value !== "") add(field, { kind: "string", value });
  add("create_time", { kind: "time", value: createTimeMs });
  add("update_time", { kind: "time", value: updateTimeMs });
  for (const value of document.tags) add(tagField, { kind: "string", value });
  for (const value of pathAndAbove(document.taxonomyPath)) add(taxonomyField, { kind: "string", value });
  for (const [key, value] of Object.entries(document.metadata)) {
    for (const scalar of scalarsOf(value)) add(`metadata.${key}`, scalar);
  }
  return [...found];
}

/** `law`, `law/tax`, `law/tax/vat` for the last of them. */
function pathAndAbove(path: string): string[] {
  if (path === "") return [];
  const segments = path.split("/");
  return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
}

/** A value, or the elements of a list; a string that is a moment is both. */
function scalarsOf(value: MetadataValue): Scalar[] {
  const elements: readonly MetadataValue[] = Array.isArray(value) ? value : [value];
  return elements.flatMap((element): Scalar[] => {
    if (typeof element === "number") return [{ kind: "number", value: element }];
    if (typeof element === "boolean") return [{ kind: "boolean", value: element }];
    if (typeof element !== "string") return [];
    const moment = parseTime(element);
    const text: Scalar = { kind: "string", value: element };
    return moment === undefined ? [text] : [text, { kind: "time", value: moment }];
  });
}
