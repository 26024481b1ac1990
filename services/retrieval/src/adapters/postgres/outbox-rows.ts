import type { Transaction } from "@quartet/postgres";
import type { DocumentChange, ProjectedPassage } from "../../domain/outbox.ts";
import { type AttributeRow, attributeColumns, attributesOf } from "./rows.ts";

/** A change with the rows of the outbox that it is made of. */
export interface TakenChange {
  readonly change: DocumentChange;
  readonly seqs: readonly number[];
  readonly collectionIds: readonly number[];
}

/** A document as it is now, or nothing of it where it is deleted; see `currentOf`. */
interface CurrentRow extends AttributeRow {
  readonly row: number | null;
  readonly tenant: string;
  readonly seq: number;
  readonly passages: readonly ProjectedPassage[] | null;
}

/** Of a document d. */
const passagesSql = `(SELECT json_agg(json_build_object('id', p.id, 'ordinal', p.ordinal, 'startOffset', p.start_offset,
    'endOffset', p.end_offset, 'text', p.text, 'headings', p.headings) ORDER BY p.ordinal)
  FROM passage p WHERE p.document = d.id) AS passages`;

function currentOf(row: CurrentRow): DocumentChange["current"] {
  return row.row === null ? undefined : { document: attributesOf(row), passages: row.passages ?? [] };
}

interface ChangeRow extends CurrentRow {
  readonly changed_id: string;
  readonly seqs: number[];
  readonly collection_ids: number[];
  readonly removed: number[];
}

/**
 * The documents of the oldest changes, each with all its changes, up to a number of documents and bytes of their text; at least one. One
 * statement, so that the document and its changes are of one moment.
 */
export async function oldestChanges(
  transaction: Transaction,
  { maxDocuments, maxTextBytes }: { readonly maxDocuments: number; readonly maxTextBytes: number },
): Promise<readonly TakenChange[]> {
  const rows = await transaction.query<ChangeRow>(
    `WITH oldest AS MATERIALIZED (
       SELECT tenant, document_id, min(seq) AS first FROM (SELECT * FROM outbox ORDER BY seq LIMIT $1) o GROUP BY tenant, document_id
     ), sized AS MATERIALIZED (
       SELECT o.*, d.id AS row, row_number() OVER oldest_first AS position, sum(coalesce(d.text_bytes, 0)) OVER oldest_first AS bytes
       FROM oldest o LEFT JOIN document d ON d.tenant = o.tenant AND d.document_id = o.document_id WINDOW oldest_first AS (ORDER BY first)
     ), change AS MATERIALIZED (
       SELECT s.tenant, s.document_id, s.first, s.row, max(o.seq) AS seq, array_agg(o.seq) AS seqs
       FROM sized s JOIN outbox o ON o.tenant = s.tenant AND o.document_id = s.document_id
       WHERE s.position = 1 OR s.bytes <= $2 GROUP BY s.tenant, s.document_id, s.first, s.row
     )
     SELECT c.tenant, c.document_id AS changed_id, c.row, c.seq, c.seqs, ${attributeColumns}, ${passagesSql},
       ARRAY(SELECT DISTINCT unnest(o.collection_ids) FROM outbox o WHERE o.seq = ANY (c.seqs)) AS collection_ids,
       ARRAY(SELECT DISTINCT unnest(o.removed_passage_ids) FROM outbox o WHERE o.seq = ANY (c.seqs)) AS removed
     FROM change c LEFT JOIN document d ON d.id = c.row ORDER BY c.first`,
    [maxDocuments, maxTextBytes],
  );
  return rows.map((row) => ({
    change: {
      tenant: row.tenant,
      documentId: row.changed_id,
      seq: row.seq,
      current: currentOf(row),
      removedPassageIds: row.removed,
    },
    seqs: row.seqs,
    collectionIds: row.collection_ids,
  }));
}

/** Documents of all tenants after that row, up to a number of them and bytes of their text; at least one where there is one. */
export async function changesOfDocuments(
  transaction: Transaction,
  {
    afterRow,
    maxDocuments,
    maxTextBytes,
  }: { readonly afterRow: number; readonly maxDocuments: number; readonly maxTextBytes: number },
): Promise<readonly { readonly row: number; readonly change: DocumentChange }[]> {
  const rows = await transaction.query<CurrentRow & { readonly row: number }>(
    `WITH sized AS MATERIALIZED (
       SELECT id, row_number() OVER by_row AS position, sum(text_bytes) OVER by_row AS bytes
       FROM (SELECT id, text_bytes FROM document WHERE id > $1 ORDER BY id LIMIT $2) d WINDOW by_row AS (ORDER BY id)
     )
     SELECT d.id AS row, d.tenant, d.seq, ${attributeColumns}, ${passagesSql}
     FROM sized s JOIN document d ON d.id = s.id WHERE s.position = 1 OR s.bytes <= $3 ORDER BY d.id`,
    [afterRow, maxDocuments, maxTextBytes],
  );
  return rows.map((row) => ({
    row: row.row,
    change: {
      tenant: row.tenant,
      documentId: row.document_id,
      seq: row.seq,
      current: currentOf(row),
      removedPassageIds: [],
    },
  }));
}
