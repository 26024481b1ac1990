/** A value of a document's metadata, as JSON has them. Objects are kept and returned, but never filtered on. */
export type MetadataValue =
  string | number | boolean | null | readonly MetadataValue[] | { readonly [key: string]: MetadataValue };

/** Look keys up with Object.hasOwn: `constructor` is a key like any other. */
export type Metadata = { readonly [key: string]: MetadataValue };

/** What filters can ask about a document, and what a found passage says of it. All text is in NFC. */
export interface DocumentAttributes {
  readonly id: string;
  readonly collection: string;
  readonly title: string;
  readonly mediaType: string;
  readonly language: string;
  readonly uri: string;
  readonly tags: readonly string[];
  /** Segments joined by `/`; empty where it has no place in a taxonomy. */
  readonly taxonomyPath: string;
  readonly metadata: Metadata;
  /** Milliseconds since 1970, UTC. */
  readonly createTimeMs: number;
  readonly updateTimeMs: number;
}

/** A document as the record knows it, without its text. */
export interface StoredDocument extends DocumentAttributes {
  /** Grows by 1 with each put that changed the document. */
  readonly version: number;
  /** SHA-256 over everything the caller gave, in lower-case hex. */
  readonly contentHash: string;
  readonly passageCount: number;
  /** Passages with a vector in the collection's active space. */
  readonly vectorCount: number;
}

/** A document as a caller gives it: times, version and counts are the record's. */
export interface NewDocument extends Omit<DocumentAttributes, "createTimeMs" | "updateTimeMs"> {
  readonly text: string;
  readonly contentHash: string;
}

/** A passage as it was cut from a document's text. */
export interface CutPassage {
  /** Code points into the document's stored text, end exclusive. */
  readonly startOffset: number;
  readonly endOffset: number;
  readonly text: string;
  /** The headings that stand above the passage and outside of it, outermost first. */
  readonly headings: readonly string[];
  /** SHA-256 of what is embedded (`passageContent`), in lower-case hex. */
  readonly contentHash: string;
}

/** A document with its passages, in order: what is written in one transaction. */
export interface CutDocument {
  readonly document: NewDocument;
  readonly passages: readonly CutPassage[];
}

/** A passage with what searches return of it. */
export interface StoredPassage {
  readonly ordinal: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly text: string;
  readonly document: DocumentAttributes & { readonly version: number };
}
