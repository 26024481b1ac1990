import type { Transaction } from "@quartet/postgres";
import type { CollectionState } from "../../domain/collection.ts";
import type { CutDocument, CutPassage } from "../../domain/document.ts";
import type { PutResult } from "../../domain/record-store.ts";
import { passageContent } from "../../domain/passage-content.ts";
import { noteMentions } from "./find-names.ts";
import { type Change, noteChanges } from "./note-changes.ts";
import { momentsOf, passageRecords, passagesJson } from "./rows.ts";

export interface WriteContext {
  readonly transaction: Transaction;
  readonly tenant: string;
  /** Whether changes are left in the outbox, for a keyword index of its own. */
  readonly projected: boolean;
  readonly signal: AbortSignal;
  /** The row of a collection, made if it is new. */
  readonly collectionId: (transaction: Transaction, name: string) => Promise<number>;
}

export interface WrittenDocument {
  readonly result: PutResult;
  readonly collections: readonly CollectionState[];
}

/** What of a document is there before it is written. */
interface Previous {
  readonly id: number;
  readonly collection_id: number;
  readonly version: number;
  readonly content_hash: string;
  readonly passage_count: number;
}

/** Writes one document with its passages, and the names they mention, within its transaction. `onPrevious` is told the version that stands if it fails. */
export async function writeDocument(
  context: WriteContext,
  cut: CutDocument,
  onPrevious: (version: number) => void,
): Promise<WrittenDocument> {
  const { transaction } = context;
  const { document } = cut;
  for (;;) {
    const previous = await lockDocument(context, document.id);
    onPrevious(previous?.version ?? 0);
    if (previous?.content_hash === document.contentHash) {
      return { result: { outcome: "unchanged", version: previous.version }, collections: [] };
    }
    const collectionId = await context.collectionId(transaction, document.collection);
    const row = await (previous === undefined
      ? insertDocument(context, cut, collectionId)
      : updateDocument(context, cut, collectionId, previous));
    // Another transaction has made the document between our look and our write, and has committed: look again.
    if (row === undefined) continue;
    const hasMoved = previous !== undefined && previous.collection_id !== collectionId;
    if (hasMoved) await lockSpaces(context, [previous.collection_id, collectionId]);
    const { removed, added } = await writePassages(context, cut.passages, {
      documentRow: row.id,
      collectionId,
      previous,
      hasMoved,
    });
    if (row.max_name_words > 0) await findNames(context, cut, added, row);
    const collections = await noteChanges(context, changesOf(cut, { row, collectionId, previous, hasMoved, removed }));
    return { result: { outcome: previous === undefined ? "created" : "replaced", version: row.version }, collections };
  }
}

async function lockDocument({ transaction, tenant }: WriteContext, documentId: string): Promise<Previous | undefined> {
  const [previous] = await transaction.query<Previous>({
    name: "lock-document",
    text: `SELECT id, collection_id, version, encode(content_hash, 'hex') AS content_hash, passage_count
      FROM document WHERE tenant = $1 AND document_id = $2 FOR UPDATE`,
    values: [tenant, documentId],
  });
  return previous;
}

/**
 * Passages take the locks of their collection and its spaces when they are written or deleted. A document that moves does both, and takes the locks
 * before, in the order in which all take them: two that cross would wait for each other.
 */
async function lockSpaces({ transaction, tenant }: WriteContext, collectionIds: readonly number[]): Promise<void> {
  await transaction.query("SELECT share_passages($1::bigint[])", [collectionIds]);
  const text = `SELECT FROM space WHERE tenant = $1 AND role <> 'left' AND collection_id = ANY ($2::bigint[]) ORDER BY id FOR UPDATE`;
  await transaction.query(text, [tenant, collectionIds]);
}

interface WrittenRow {
  readonly id: number;
  readonly version: number;
  readonly seq: number;
  /** Of the tenant's graph; 0 where there is none. */
  readonly max_name_words: number;
}

/** Everything of a document but what it is found by, in the order that both statements name it. */
function fieldsOf({ document, passages }: CutDocument, collectionId: number): unknown[] {
  const { metadata, text } = document;
  const fields = [
    collectionId,
    document.collection,
    document.title,
    document.mediaType,
    document.language,
    document.uri,
  ];
  const counts = [passages.length, Buffer.byteLength(text)];
  return [
    ...fields,
    document.tags,
    document.taxonomyPath,
    JSON.stringify(metadata),
    JSON.stringify(momentsOf(metadata)),
    Buffer.from(document.contentHash, "hex"),
    ...counts,
    text,
  ];
}

const fieldNames = `collection_id, collection, title, media_type, language, uri, tags, taxonomy_path, metadata, moments, content_hash,
  passage_count, text_bytes`;
const nowMs = "floor(extract(epoch FROM now()) * 1000)::bigint";
/** What a statement says about the tenant's graph. Names are looked up by later statements, which see no fewer of them. */
const ofGraph = (column: "names_seq" | "max_name_words") =>
  `coalesce((SELECT ${column} FROM graph WHERE tenant = $1), 0)`;

async function insertDocument(
  { transaction, tenant }: WriteContext,
  cut: CutDocument,
  collectionId: number,
): Promise<WrittenRow | undefined> {
  const [row] = await transaction.query<WrittenRow>({
    name: "insert-document",
    text: `WITH written AS (
        INSERT INTO document (tenant, document_id, ${fieldNames}, version, create_time_ms, update_time_ms, seq, names_seq)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1, ${nowMs}, ${nowMs}, nextval('change_seq'),
          ${ofGraph("names_seq")})
        ON CONFLICT (tenant, document_id) DO NOTHING RETURNING id, version, seq
      ), text AS (INSERT INTO document_text (document, tenant, text) SELECT id, $1, $16 FROM written)
      SELECT id, version, seq, ${ofGraph("max_name_words")} AS max_name_words FROM written`,
    values: [tenant, cut.document.id, ...fieldsOf(cut, collectionId)],
  });
  return row;
}

async function updateDocument(
  { transaction, tenant }: WriteContext,
  cut: CutDocument,
  collectionId: number,
  { id }: Previous,
): Promise<WrittenRow | undefined> {
  const [row] = await transaction.query<WrittenRow>({
    name: "update-document",
    // A clock may have been set back; a change is never earlier than the one before.
    text: `WITH written AS (
        UPDATE document SET (${fieldNames}) = ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15), version = version + 1,
          update_time_ms = greatest(update_time_ms, ${nowMs}), seq = nextval('change_seq')
        WHERE tenant = $1 AND id = $2 RETURNING id, version, seq
      ), text AS (UPDATE document_text SET text = $16 WHERE tenant = $1 AND document = $2 AND text <> $16)
      SELECT id, version, seq, ${ofGraph("max_name_words")} AS max_name_words FROM written`,
    values: [tenant, id, ...fieldsOf(cut, collectionId)],
  });
  return row;
}

interface PassagesTarget {
  readonly documentRow: number;
  readonly collectionId: number;
  readonly previous: Previous | undefined;
  readonly hasMoved: boolean;
}

interface WrittenPassages {
  /** The IDs of those that are gone. */
  readonly removed: readonly number[];
  /** The ordinals of those that are new. */
  readonly added: readonly number[];
}

/** Passages whose content is unchanged keep their IDs, and so their vectors and mentions. */
async function writePassages(
  { transaction, tenant }: WriteContext,
  passages: readonly CutPassage[],
  { documentRow, collectionId, previous, hasMoved }: PassagesTarget,
): Promise<WrittenPassages> {
  const before = previous === undefined ? [] : await passagesOf(transaction, tenant, documentRow);
  const reusable = new Map<string, number[]>();
  if (!hasMoved) {
    // The last first, so that equal ones are taken in their order.
    for (const { id, content_hash } of before.toReversed())
      reusable.set(content_hash, [...(reusable.get(content_hash) ?? []), id]);
  }
  const written = passages.map((cut, ordinal) => ({ cut, ordinal, id: reusable.get(cut.contentHash)?.pop() }));
  const kept = written.flatMap(({ id, ...rest }) => (id === undefined ? [] : [{ id, ...rest }]));
  const keptIds = new Set(kept.map(({ id }) => id));
  const gone = before.map(({ id }) => id).filter((id) => !keptIds.has(id));
  if (gone.length > 0) {
    await transaction.execute("DELETE FROM passage WHERE tenant = $1 AND id = ANY ($2::bigint[])", [tenant, gone]);
  }
  if (kept.length > 0) {
    await transaction.execute(
      `UPDATE passage p SET ordinal = given.ordinal, start_offset = given.start_offset, end_offset = given.end_offset,
         headings = given.headings, text = given.text
       FROM ${passageRecords("$2")} WHERE p.tenant = $1 AND p.id = given.id AND (p.ordinal, p.start_offset, p.end_offset, p.headings, p.text)
         IS DISTINCT FROM (given.ordinal, given.start_offset, given.end_offset, given.headings, given.text)`,
      [tenant, passagesJson(kept)],
    );
  }
  const fresh = written.filter(({ id }) => id === undefined).map(({ cut, ordinal }) => ({ cut, ordinal }));
  if (fresh.length > 0) {
    await transaction.execute({
      name: "insert-passages",
      text: `INSERT INTO passage (tenant, document, collection_id, ordinal, start_offset, end_offset, content_hash, headings, text)
        SELECT $1, $2, $3, ordinal, start_offset, end_offset, content_hash, headings, text FROM ${passageRecords("$4")} ORDER BY ordinal`,
      values: [tenant, documentRow, collectionId, passagesJson(fresh)],
    });
  }
  return { removed: gone, added: fresh.map(({ ordinal }) => ordinal) };
}

/** New passages are looked through for all names; those that were kept have been, as far as the document's `names_seq` says. */
async function findNames(
  { transaction, tenant, signal }: WriteContext,
  { document, passages }: CutDocument,
  added: readonly number[],
  row: WrittenRow,
): Promise<void> {
  if (added.length === 0) return;
  const ids = await transaction.query<{ id: number; ordinal: number }>(
    "SELECT id, ordinal FROM passage WHERE tenant = $1 AND document = $2 AND ordinal = ANY ($3::int[])",
    [tenant, row.id, added],
  );
  const contents = ids.map(({ id, ordinal }) => {
    const { headings, text } = passages[ordinal]!;
    return { passage: id, content: passageContent({ title: document.title, headings, text }) };
  });
  await noteMentions({ transaction, tenant }, contents, { maxNameWords: row.max_name_words, areNew: true, signal });
}

async function passagesOf(transaction: Transaction, tenant: string, documentRow: number) {
  return transaction.query<{ id: number; content_hash: string }>(
    `SELECT id, encode(content_hash, 'hex') AS content_hash FROM passage WHERE tenant = $1 AND document = $2 ORDER BY ordinal`,
    [tenant, documentRow],
  );
}

/** One change of the document counts for each collection that it is in, or was. */
function changesOf(
  { document, passages }: CutDocument,
  {
    row,
    collectionId,
    previous,
    hasMoved,
    removed,
  }: {
    readonly row: WrittenRow;
    readonly collectionId: number;
    readonly previous: Previous | undefined;
    readonly hasMoved: boolean;
    readonly removed: readonly number[];
  },
): Change[] {
  const change = { documentId: document.id, seq: row.seq, removedPassageIds: removed };
  const stays = previous !== undefined && !hasMoved;
  const there = {
    ...change,
    collectionId,
    documents: stays ? 0 : 1,
    passages: passages.length - (stays ? previous.passage_count : 0),
  };
  if (!hasMoved) return [there];
  const left = { ...change, collectionId: previous!.collection_id, documents: -1, passages: -previous!.passage_count };
  return [there, left];
}
