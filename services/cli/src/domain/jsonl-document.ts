import { isAbsent, isObject, isText } from "./json-value.ts";
import type { Json, SourceDocument } from "./source-document.ts";

/** One line of a .jsonl file, or why it is no document. */
export type JsonlLine =
  { readonly document: SourceDocument; readonly unknownFields: readonly string[] } | { readonly problem: string };

const knownFields = new Set(["id", "title", "text", "tags", "metadata"]);

/**
 * Reads `{"id", "title", "text", "tags", "metadata"}`: id (a string or a whole number) and text are required. Fields of other names are
 * named, and otherwise ignored.
 */
export function parseJsonlDocument(line: string): JsonlLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: "not valid JSON" };
  }
  if (!isObject(value)) return { problem: 'not a JSON object such as {"id": "...", "text": "..."}' };
  const { id, title, text, tags, metadata } = value;
  const problem =
    (isId(id) ? undefined : '"id" must be a non-empty string') ??
    (isText(text) ? undefined : '"text" must be a string of whole Unicode characters') ??
    (isAbsent(title) || isText(title) ? undefined : '"title" must be a string of whole Unicode characters') ??
    (isAbsent(tags) || (Array.isArray(tags) && tags.every(isText)) ? undefined : '"tags" must be a list of strings') ??
    (isAbsent(metadata) || isObject(metadata) ? undefined : '"metadata" must be an object');
  if (problem !== undefined) return { problem };
  return {
    document: {
      id: String(id),
      title: (title ?? "") as string,
      text: text as string,
      mediaType: "text/plain",
      tags: (tags ?? []) as string[],
      metadata: (metadata ?? {}) as Record<string, Json>,
      uri: "",
    },
    unknownFields: Object.keys(value).filter((field) => !knownFields.has(field)),
  };
}

const isId = (value: unknown): boolean => (isText(value) && value !== "") || Number.isSafeInteger(value);
