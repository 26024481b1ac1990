import { terms } from "@quartet/text";
import type { DocumentAttributes, Metadata, StoredPassage } from "../../domain/document.ts";
import type { DocumentChange, ProjectedPassage } from "../../domain/outbox.ts";
import { passageContent } from "../../domain/passage-content.ts";
import { protocolError } from "./errors.ts";
import { factsOf } from "./facts.ts";

type StoredDocument = NonNullable<DocumentChange["current"]>["document"];

/** What is kept to answer from while the record is away. */
interface StoredFields {
  readonly version: number;
  readonly title: string;
  readonly media_type: string;
  readonly language: string;
  readonly uri: string;
  readonly tags: readonly string[];
  readonly taxonomy_path: string;
  /** In JSON: any keys, any depth. */
  readonly metadata: string;
  readonly create_time_ms: number;
  readonly update_time_ms: number;
  readonly start_offset: number;
  readonly end_offset: number;
  readonly text: string;
}

/** What comes back of a passage: all but what it is searched by. */
interface PassageSource {
  readonly tenant: string;
  readonly collection: string;
  readonly document_id: string;
  readonly ordinal: number;
  readonly stored: StoredFields;
}

/** Makes the documents of Elasticsearch, one for each passage, of one document of the record. */
export function createPassageEncoder(tenant: string, document: StoredDocument): (passage: ProjectedPassage) => object {
  const facts = factsOf(document);
  const metadata = JSON.stringify(document.metadata);
  return (passage) => {
    const content = passageContent({ title: document.title, headings: passage.headings, text: passage.text });
    const source: PassageSource = {
      tenant,
      collection: document.collection,
      document_id: document.id,
      ordinal: passage.ordinal,
      stored: {
        version: document.version,
        title: document.title,
        media_type: document.mediaType,
        language: document.language,
        uri: document.uri,
        tags: document.tags,
        taxonomy_path: document.taxonomyPath,
        metadata,
        create_time_ms: document.createTimeMs,
        update_time_ms: document.updateTimeMs,
        start_offset: passage.startOffset,
        end_offset: passage.endOffset,
        text: passage.text,
      },
    };
    return { ...source, facts, terms: terms(content).join(" "), content };
  };
}

/** The passage of what Elasticsearch kept; undefined where it is another tenant's. */
export function readPassage(tenant: string, source: unknown): StoredPassage | undefined {
  const { tenant: owner, ...fields } = source as PassageSource;
  if (owner !== tenant) return undefined;
  const { stored } = fields;
  if (typeof stored?.text !== "string") throw protocolError("a passage without its text");
  const document: DocumentAttributes & { readonly version: number } = {
    id: fields.document_id,
    collection: fields.collection,
    title: stored.title,
    mediaType: stored.media_type,
    language: stored.language,
    uri: stored.uri,
    tags: stored.tags,
    taxonomyPath: stored.taxonomy_path,
    metadata: JSON.parse(stored.metadata) as Metadata,
    createTimeMs: stored.create_time_ms,
    updateTimeMs: stored.update_time_ms,
    version: stored.version,
  };
  const { start_offset: startOffset, end_offset: endOffset, text } = stored;
  return { ordinal: fields.ordinal, startOffset, endOffset, text, document };
}
