import type { Transaction } from "@quartet/postgres";
import type { CollectionState } from "../../domain/collection.ts";

/** One change of a document, as it counts for one collection. */
export interface Change {
  readonly documentId: string;
  /** The number of the change; one is taken where it is undefined. The same for all collections. */
  readonly seq: number | undefined;
  readonly collectionId: number;
  /** By how much the collection's documents and passages became more. */
  readonly documents: number;
  readonly passages: number;
  readonly removedPassageIds: readonly number[];
}

/**
 * Counts the changes of a transaction for their collections, and leaves them in the outbox where there is a keyword index of its own. To be
 * the last before the commit: from here on other writers of these collections wait. Their rows are locked in the order of their numbers, so
 * that none waits in a circle.
 */
export async function noteChanges(
  {
    transaction,
    tenant,
    projected,
  }: { readonly transaction: Transaction; readonly tenant: string; readonly projected: boolean },
  changes: readonly Change[],
): Promise<readonly CollectionState[]> {
  const records = changes.map(({ documentId, seq, collectionId, documents, passages, removedPassageIds }) => ({
    document_id: documentId,
    seq,
    collection_id: collectionId,
    documents,
    passages,
    removed: removedPassageIds,
  }));
  const rows = await transaction.query<{ name: string; record_seq: number; projected_seq: number }>({
    name: projected ? "note-changes" : "count-changes",
    text: projected ? `${counted}, ${noted} ${states}` : `${counted} ${states}`,
    values: [tenant, JSON.stringify(records), projected],
  });
  return rows.map(({ name, record_seq, projected_seq }) => ({
    collection: name,
    recordSeq: record_seq,
    projectedSeq: projected_seq,
  }));
}

const counted = `
  WITH change AS (
    SELECT *, row_number() OVER (PARTITION BY collection_id ORDER BY document_id) AS position FROM json_to_recordset($2::json)
      AS given (document_id text, seq bigint, collection_id bigint, documents int, passages int, removed bigint[])
  ), total AS (
    SELECT collection_id, count(*) AS changes, sum(documents) AS documents, sum(passages) AS passages FROM change GROUP BY collection_id
  ), locked AS (
    SELECT id FROM collection WHERE tenant = $1 AND id IN (SELECT collection_id FROM total) ORDER BY id FOR NO KEY UPDATE
  ), touched AS (
    UPDATE collection c SET record_seq = record_seq + changes, document_count = document_count + documents,
      passage_count = passage_count + passages, projected_seq = CASE WHEN $3 THEN projected_seq ELSE record_seq + changes END
    FROM locked, total WHERE c.tenant = $1 AND c.id = locked.id AND total.collection_id = c.id
    RETURNING c.id, c.name, c.record_seq, c.projected_seq, changes
  )`;

/** Each change has the number that the collection had with it. */
const noted = `
  noted AS (
    INSERT INTO outbox (seq, tenant, document_id, collection_ids, record_seqs, removed_passage_ids)
    SELECT coalesce(min(change.seq), nextval('change_seq')), $1, document_id, array_agg(touched.id), array_agg(record_seq - changes + position),
      max(removed)
    FROM change JOIN touched ON touched.id = change.collection_id GROUP BY document_id
  )`;

const states = "SELECT name, record_seq, projected_seq FROM touched ORDER BY name";
