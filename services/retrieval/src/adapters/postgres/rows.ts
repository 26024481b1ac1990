import type { CutPassage, DocumentAttributes, Metadata, MetadataValue } from "../../domain/document.ts";
import { parseTime } from "../../domain/time.ts";

/** What `attributeColumns` selects. */
export interface AttributeRow {
  readonly document_id: string;
  readonly collection: string;
  readonly title: string;
  readonly media_type: string;
  readonly language: string;
  readonly uri: string;
  readonly tags: string[];
  readonly taxonomy_path: string;
  readonly metadata: Metadata;
  readonly create_time_ms: number;
  readonly update_time_ms: number;
  readonly version: number;
}

export const attributeColumns = `d.document_id, d.collection, d.title, d.media_type, d.language, d.uri, d.tags, d.taxonomy_path, d.metadata,
  d.create_time_ms, d.update_time_ms, d.version`;

export function attributesOf(row: AttributeRow): DocumentAttributes & { readonly version: number } {
  return {
    id: row.document_id,
    collection: row.collection,
    title: row.title,
    mediaType: row.media_type,
    language: row.language,
    uri: row.uri,
    tags: row.tags,
    taxonomyPath: row.taxonomy_path,
    metadata: row.metadata,
    createTimeMs: row.create_time_ms,
    updateTimeMs: row.update_time_ms,
    version: row.version,
  };
}

/** The moments that strings of metadata mean, by key: filters compare them without reading any string. */
export function momentsOf(metadata: Metadata): Record<string, readonly number[]> {
  const entries = Object.entries(metadata).map(([key, value]) => [key, momentsIn(value)] as const);
  return Object.fromEntries(entries.filter(([, moments]) => moments.length > 0));
}

function momentsIn(value: MetadataValue): number[] {
  return [value].flat().flatMap((element: unknown) => {
    const moment = typeof element === "string" ? parseTime(element) : undefined;
    return moment === undefined ? [] : [moment];
  });
}

/** Passages as JSON for `passageRecords`; `id` of those that are there already. */
export function passagesJson(
  passages: readonly { readonly id?: number; readonly ordinal: number; readonly cut: CutPassage }[],
): string {
  return JSON.stringify(
    passages.map(({ id, ordinal, cut: { startOffset, endOffset, contentHash, headings, text } }) => ({
      id,
      ordinal,
      start_offset: startOffset,
      end_offset: endOffset,
      content_hash: `\\x${contentHash}`,
      headings,
      text,
    })),
  );
}

/** The rows of `passagesJson`, as a table to select from. */
export function passageRecords(place: string): string {
  return `json_to_recordset(${place}::json) AS given (id bigint, ordinal int, start_offset int, end_offset int, content_hash bytea,
    headings text[], text text)`;
}

/** Those that can be in the database, which holds no NUL. */
export function storableIds(ids: readonly string[]): string[] {
  return ids.filter((id) => !id.includes("\0"));
}
