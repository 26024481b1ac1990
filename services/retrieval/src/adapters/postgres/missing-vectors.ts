import type { Transaction } from "@quartet/postgres";
import { passageContent } from "../../domain/passage-content.ts";
import type { MissingVectorsPage, MissingVectorsQuery } from "../../domain/vector-index.ts";
import { SqlValues } from "./filter-sql.ts";
import { storableIds } from "./rows.ts";

interface Asked {
  readonly collectionId: number;
  readonly passageCount: number;
  /** Of the space; null where the collection does not know it. */
  readonly spaceRow: number | null;
  readonly doneCount: number | null;
  /** Whether a passage p, or q, has a vector; null where the collection does not know the space. */
  readonly ofP: string | null;
  readonly ofQ: string | null;
}

interface Row {
  readonly id: number;
  readonly contentHash: string;
  readonly title: string;
  readonly headings: readonly string[];
  readonly text: string;
}

const nothing: MissingVectorsPage = { contents: [], nextAfterPassageId: undefined };

/** The passages without a vector in the space, equal contents once, in the order of their numbers. */
export async function missingVectors(
  transaction: Transaction,
  tenant: string,
  { collection, spaceId, documentIds, afterPassageId, limit }: MissingVectorsQuery,
): Promise<MissingVectorsPage> {
  const [asked] = await transaction.query<Asked>(
    `SELECT c.id AS "collectionId", c.passage_count AS "passageCount", s.id AS "spaceRow", s.vector_count + s.refused_count AS "doneCount",
       has_vector(s, 'p.id') AS "ofP", has_vector(s, 'q.id') AS "ofQ"
     FROM collection c LEFT JOIN space s ON s.collection_id = c.id AND s.space_id = $3 AND s.role IN ('active', 'building')
     WHERE c.tenant = $1 AND c.name = $2`,
    [tenant, collection, spaceId],
  );
  // The loop that keeps vectors up to date asks again and again: mostly there is nothing to look for.
  if (asked === undefined || asked.doneCount === asked.passageCount) return nothing;
  const values = new SqlValues();
  const home = values.add(asked.collectionId);
  const documents = documentIds.length === 0 ? undefined : values.add(storableIds(documentIds));
  const isLacking = (passage: string, condition: string | null) =>
    [
      `${passage}.collection_id = ${home}`,
      ...(condition === null || asked.spaceRow === null
        ? []
        : [
            `NOT (${condition})`,
            `NOT EXISTS (SELECT 1 FROM refused_passage r WHERE r.space = ${asked.spaceRow} AND r.passage = ${passage}.id)`,
          ]),
      ...(documents === undefined
        ? []
        : [
            `${passage}.document = ANY (ARRAY(SELECT id FROM document WHERE document_id = ANY (${documents}::text[])))`,
          ]),
    ].join(" AND ");
  const rows = await transaction.query<Row>(
    `SELECT p.id, encode(p.content_hash, 'hex') AS "contentHash", d.title, p.headings, p.text
     FROM passage p JOIN document d ON d.id = p.document
     WHERE ${isLacking("p", asked.ofP)} AND p.id > ${values.add(afterPassageId)} AND NOT EXISTS (
       SELECT 1 FROM passage q WHERE ${isLacking("q", asked.ofQ)} AND q.content_hash = p.content_hash AND q.id < p.id)
     ORDER BY p.id LIMIT ${values.add(limit)}`,
    values.list,
  );
  return {
    contents: rows.map(({ contentHash, ...passage }) => ({ contentHash, text: passageContent(passage) })),
    nextAfterPassageId: rows.length < limit ? undefined : rows.at(-1)!.id,
  };
}
