import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, type Value, type ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Document as DocumentMessage, DocumentSchema } from "@quartet/contracts/type/v1/document";
import type { Metadata, MetadataValue, StoredDocument } from "../domain/document.ts";
import type { GivenDocument } from "../domain/new-document.ts";

export function fromDocumentMessage(message: DocumentMessage): GivenDocument {
  const { id, title, text, mediaType, collection, tags, taxonomyPath, language, uri } = message;
  const metadata = fromMetadataMessage(message.metadata);
  return { id, title, text, mediaType, collection, tags, taxonomyPath, metadata, language, uri };
}

/** `text` is undefined where the view leaves it out. */
export function toDocumentMessage(
  document: StoredDocument,
  text: string | undefined,
): MessageInitShape<typeof DocumentSchema> {
  const { id, title, mediaType, collection, tags, taxonomyPath, metadata, language, uri } = document;
  return {
    id,
    title,
    text: text ?? "",
    mediaType,
    collection,
    tags: [...tags],
    taxonomyPath,
    metadata: toMetadataMessage(metadata),
    language,
    uri,
    version: BigInt(document.version),
    contentHash: document.contentHash,
    passageCount: document.passageCount,
    vectorCount: document.vectorCount,
    createTime: timestampFromMs(document.createTimeMs),
    updateTime: timestampFromMs(document.updateTimeMs),
  };
}

export function fromMetadataMessage(fields: { readonly [key: string]: Value }): Metadata {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, fromValue(value)]));
}

export function toMetadataMessage(metadata: Metadata): { [key: string]: MessageInitShape<typeof ValueSchema> } {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, toValue(value)]));
}

/** A value that is not set reads as null. */
function fromValue({ kind }: Value): MetadataValue {
  switch (kind.case) {
    case "stringValue":
    case "numberValue":
    case "boolValue":
      return kind.value;
    case "listValue":
      return kind.value.values.map(fromValue);
    case "structValue":
      return fromMetadataMessage(kind.value.fields);
    case "nullValue":
    case undefined:
      return null;
  }
}

function toValue(value: MetadataValue): MessageInitShape<typeof ValueSchema> {
  if (value === null) return { kind: { case: "nullValue", value: 0 } };
  if (typeof value === "string") return { kind: { case: "stringValue", value } };
  if (typeof value === "number") return { kind: { case: "numberValue", value } };
  if (typeof value === "boolean") return { kind: { case: "boolValue", value } };
  if (isList(value)) return { kind: { case: "listValue", value: { values: value.map(toValue) } } };
  return { kind: { case: "structValue", value: toStruct(value) } };
}

function toStruct(value: Metadata): { fields: { [key: string]: MessageInitShape<typeof ValueSchema> } } {
  return { fields: toMetadataMessage(value) };
}

function isList(value: MetadataValue): value is readonly MetadataValue[] {
  return Array.isArray(value);
}
