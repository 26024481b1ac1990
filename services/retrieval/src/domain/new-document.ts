import type { Metadata, MetadataValue, NewDocument } from "./document.ts";
import { codePointLength, localeOf, nfc } from "@quartet/text";
import { sha256 } from "./passage-content.ts";

/** A document as it was given: nothing is checked, completed or normalised. */
export interface GivenDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly mediaType: string;
  readonly collection: string;
  readonly tags: readonly string[];
  readonly taxonomyPath: string;
  readonly metadata: Metadata;
  readonly language: string;
  readonly uri: string;
}

/** A given document breaks a rule. `field` is its name in the contract. */
export class DocumentError extends Error {
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

const maxMetadataBytes = 16 * 1024;

/** The contract's limits, which hold for what is stored too: a few characters become three in NFC. */
const maxCharacters = { id: 512, title: 1024, text: 1_000_000, taxonomyPath: 512 } as const;
const maxTagCharacters = 64;
const maxTextBytes = 3 * 1024 ** 2;

/**
 * Completes a document and brings its text into NFC: title, text, tags, taxonomy path, metadata, and the ID too, so that a name
 * typed on another system is the same name. Throws DocumentError.
 */
export function toNewDocument(given: GivenDocument): NewDocument {
  const { title, text, mediaType, taxonomyPath, language, uri, tags, metadata } = given;
  for (const [field, value] of Object.entries({ id: given.id, title, text, taxonomyPath, mediaType, language, uri })) {
    checkText(contractNames[field] ?? field, value);
  }
  tags.forEach((tag, index) => checkText(`tags[${index}]`, tag));
  if (text.trim() === "") throw new DocumentError("text", "the text is empty; a document needs some");
  checkMetadata(metadata);
  const document = {
    id: nfc(given.id),
    title: nfc(title),
    text: nfc(text),
    mediaType: mediaType === "" ? "text/plain" : mediaType,
    collection: given.collection === "" ? "default" : given.collection,
    tags: [...new Set(tags.map(nfc))],
    taxonomyPath: nfc(taxonomyPath),
    metadata: normalised(metadata) as Metadata,
    uri,
  };
  checkStored(document);
  const contentHash = sha256(JSON.stringify([document, language]));
  return { ...document, language: language === "" ? localeOf(document.text) : language, contentHash };
}

const contractNames: Readonly<Record<string, string>> = { taxonomyPath: "taxonomy_path", mediaType: "media_type" };

/** What PostgreSQL and UTF-8 cannot hold is refused by every store. */
function checkText(field: string, text: string): void {
  if (text.includes("\0")) throw new DocumentError(field, "the text holds NUL (U+0000); leave it out");
  if (!text.isWellFormed())
    throw new DocumentError(field, "the text holds half a surrogate pair; it is no valid Unicode");
}

function checkStored(
  document: Record<keyof typeof maxCharacters, string> & { readonly tags: readonly string[] },
): void {
  for (const [field, limit] of Object.entries(maxCharacters)) {
    checkLength(contractNames[field] ?? field, document[field as keyof typeof maxCharacters], limit);
  }
  document.tags.forEach((tag, index) => checkLength(`tags[${index}]`, tag, maxTagCharacters));
  if (Buffer.byteLength(document.text) > maxTextBytes) {
    throw new DocumentError("text", "the text has more than 3 MiB in NFC, the form in which it is kept; split it");
  }
}

function checkLength(field: string, text: string, limit: number): void {
  if (text.length <= limit || codePointLength(text) <= limit) return;
  const message = `the text has more than ${limit} characters in NFC, the form in which it is kept; shorten or split it`;
  throw new DocumentError(field, message);
}

function checkMetadata(metadata: Metadata): void {
  forEachScalar(metadata, (value) => {
    if (typeof value === "string") checkText("metadata", value);
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new DocumentError("metadata", "a number is not finite");
    }
  });
  if (Buffer.byteLength(JSON.stringify(metadata)) > maxMetadataBytes) {
    throw new DocumentError("metadata", "all values together have more than 16 KiB");
  }
}

/** Keys count as strings. */
function forEachScalar(value: MetadataValue, visit: (scalar: string | number | boolean | null) => void): void {
  if (typeof value !== "object" || value === null) return visit(value);
  if (isList(value)) {
    for (const element of value) forEachScalar(element, visit);
    return;
  }
  for (const [key, element] of Object.entries(value)) {
    visit(key);
    forEachScalar(element, visit);
  }
}

/** In NFC, keys in order, so that equal metadata is written alike. */
function normalised(value: MetadataValue): MetadataValue {
  if (typeof value === "string") return nfc(value);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(normalised);
  // fromEntries defines what it is given; an assignment to `__proto__` would not.
  const entries = Object.entries(value).map(([key, element]) => [nfc(key), normalised(element)] as const);
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}

function isList(value: object): value is readonly MetadataValue[] {
  return Array.isArray(value);
}
