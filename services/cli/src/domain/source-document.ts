/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One document as a file gives it. */
export interface SourceDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly mediaType: "text/plain" | "text/markdown";
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, Json>>;
  /** The file it comes from, for people; empty if it does not matter. */
  readonly uri: string;
}

/** Something to tell about an input: where, and one sentence. */
export interface Remark {
  /** The file, with the line in one of several documents: `docs/a.jsonl:3`. */
  readonly where: string;
  readonly message: string;
}

/** What reading inputs yields, in order. */
export type SourceItem =
  /** A document, and how many bytes of the input it stands for. */
  | { readonly kind: "document"; readonly where: string; readonly document: SourceDocument; readonly byteCount: number }
  /** Something that should have been a document and is not; the run goes on and ends with a failure. */
  | ({ readonly kind: "problem" } & Remark)
  /** Something to know that is no failure. */
  | ({ readonly kind: "notice" } & Remark);
