import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Document } from "@quartet/client";
import { DocumentSchema } from "@quartet/contracts/type/v1/document";
import type { SourceDocument } from "./domain/source-document.ts";

export interface ToDocumentOptions {
  /** The collection; empty for the server's default. */
  readonly collection: string;
  /** Tags besides the document's own. */
  readonly tags: readonly string[];
}

/** A document read from a file, as it is put. */
export function toDocument(source: SourceDocument, { collection, tags }: ToDocumentOptions): Document {
  const { id, title, text, mediaType, uri } = source;
  const metadata = Object.fromEntries(Object.entries(source.metadata).map(([key, value]) => [key, toValue(value)]));
  return create(DocumentSchema, {
    id,
    title,
    text,
    mediaType,
    uri,
    collection,
    tags: [...new Set([...source.tags, ...tags])],
    metadata,
  });
}

const toValue = (json: unknown): Value => fromJson(ValueSchema, json as JsonValue);
