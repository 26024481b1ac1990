import type { Transaction } from "@quartet/postgres";
import type { StoredDocument } from "../../domain/document.ts";
import type { DocumentPage, DocumentQuery } from "../../domain/record-store.ts";
import { requiredDocumentIds } from "../../domain/filter-scope.ts";
import { filterSql, SqlValues } from "./filter-sql.ts";
import { type AttributeRow, attributeColumns, attributesOf } from "./rows.ts";

/** Documents looked at for one page: a filter that few satisfy gives short pages, none that takes long. */
const maxScannedDocuments = 10_000;

interface DocumentRow extends AttributeRow {
  readonly id: number;
  readonly content_hash: string;
  readonly passage_count: number;
  /** Bytes of text from the first of the page to this one. */
  readonly running_bytes: number;
  readonly text: string | null;
}

/** A page of documents, by ID. */
export async function listDocuments(
  transaction: Transaction,
  tenant: string,
  query: DocumentQuery,
): Promise<DocumentPage> {
  const { filter, limit, maxTextBytes } = query;
  // No ID holds NUL: those after one that does are those after what stands before it.
  const afterId = query.afterId?.split("\0")[0] ?? "";
  const ids = requiredDocumentIds(filter);
  const isScan = filter !== undefined && ids === undefined;
  const rows = await transaction.query<DocumentRow>(...statement(tenant, { ...query, afterId }, ids));
  const bytesLeft = (row: DocumentRow, index: number) =>
    maxTextBytes === undefined || index === 0 || row.running_bytes <= maxTextBytes;
  const documents = rows.slice(0, limit).filter(bytesLeft);
  const page = await toPage(transaction, documents, maxTextBytes !== undefined);
  if (documents.length < rows.length) return { documents: page, nextAfterId: documents.at(-1)!.document_id };
  return { documents: page, nextAfterId: isScan ? await lastScanned(transaction, tenant, afterId) : undefined };
}

function statement(
  tenant: string,
  { filter, afterId, limit, maxTextBytes }: DocumentQuery & { readonly afterId: string },
  ids: readonly string[] | undefined,
): [text: string, values: readonly unknown[]] {
  const values = new SqlValues();
  const conditions = [`d.tenant = ${values.add(tenant)}`, `d.document_id > ${values.add(afterId)}`];
  if (ids !== undefined) conditions.push(`d.document_id = ANY (${values.add(ids)}::text[])`);
  const bound = filter === undefined || ids !== undefined ? "" : `ORDER BY d.document_id LIMIT ${maxScannedDocuments}`;
  const matches = filter === undefined ? "TRUE" : filterSql(filter, values);
  // One more than asked for tells whether there is a next page.
  const page = `SELECT * FROM (SELECT * FROM document d WHERE ${conditions.join(" AND ")} ${bound}) d
    WHERE ${matches} ORDER BY d.document_id LIMIT ${values.add(limit + 1)}`;
  const text =
    maxTextBytes === undefined
      ? ""
      : `LEFT JOIN document_text t ON t.tenant = d.tenant AND t.document = d.id
    AND (d.position = 1 OR d.running_bytes <= ${values.add(maxTextBytes)})`;
  const sql = `
    WITH page AS (${page}),
      d AS (SELECT page.*, row_number() OVER place AS position, sum(text_bytes) OVER place AS running_bytes FROM page WINDOW place AS (ORDER BY document_id))
    SELECT d.id, encode(d.content_hash, 'hex') AS content_hash, d.passage_count, d.running_bytes, ${text === "" ? "NULL" : "t.text"} AS text,
      ${attributeColumns} FROM d ${text} ORDER BY d.document_id`;
  return [sql, values.list];
}

/** The last document that a scan from there looked at; undefined when it came to the end. */
async function lastScanned(transaction: Transaction, tenant: string, afterId: string): Promise<string | undefined> {
  const rows = await transaction.query<{ document_id: string }>(
    `SELECT document_id FROM document WHERE tenant = $1 AND document_id > $2 ORDER BY document_id
     OFFSET ${maxScannedDocuments - 1} LIMIT 2`,
    [tenant, afterId],
  );
  return rows.length === 2 ? rows[0]!.document_id : undefined;
}

async function toPage(
  transaction: Transaction,
  rows: readonly DocumentRow[],
  withText: boolean,
): Promise<DocumentPage["documents"]> {
  const counted = await transaction.query<{ document: number; vector_count: number }>(
    "SELECT document, vector_count FROM document_vector_counts($1::bigint[])",
    [rows.map(({ id }) => id)],
  );
  const vectorCounts = new Map(counted.map(({ document, vector_count }) => [document, vector_count]));
  return rows.map((row) => {
    const document: StoredDocument = {
      ...attributesOf(row),
      contentHash: row.content_hash,
      passageCount: row.passage_count,
      vectorCount: vectorCounts.get(row.id) ?? 0,
    };
    return { document, text: withText ? (row.text ?? "") : undefined };
  });
}
