import type { SQLInputValue } from "node:sqlite";
import type { CutDocument, CutPassage } from "../../domain/document.ts";
import type { PutResult } from "../../domain/record-store.ts";
import {
  type CollectionEntry,
  DocumentEntry,
  newCollectionEntry,
  type PassageEntry,
  spacesOf,
  type Tenant,
} from "./catalogue.ts";
import type { Database } from "./database.ts";
import { noteMentions } from "./find-names.ts";
import { encodeTerms, forEachTerm, type TermCounts } from "./term-codec.ts";
import { decodeVector, type VectorRow } from "./vector-codec.ts";

/** A document ready to be written: its passages' terms are counted, and their names found. */
export interface PreparedDocument {
  readonly cut: CutDocument;
  readonly terms: readonly PreparedTerms[];
  readonly mentions: PreparedMentions | undefined;
}

/** Which names of the tenant's graph a document mentions. */
export interface PreparedMentions {
  /** How often names had come or gone before the document was looked through. */
  readonly namesSeq: number;
  /** Rows of names, by passage. */
  readonly names: readonly (readonly number[])[];
}

export interface PreparedTerms {
  /** Those that had a number when they were counted, with it: most of them, so that a transaction is not held up by looking them up. */
  readonly known: TermCounts;
  readonly unknown: readonly (readonly [term: string, count: number])[];
  /** Terms, repetitions counted. */
  readonly length: number;
}

/** What was written, with the change to memory that makes it seen: called once the transaction is on disk. Gives the collections changed. */
export interface WrittenDocument {
  readonly result: PutResult;
  readonly apply: () => readonly CollectionEntry[];
}

export interface WriteContext {
  readonly database: Database;
  readonly nowMs: number;
  /** The number of a term, given to it in this transaction if it is new. */
  readonly termId: (term: string) => number;
}

/** Writes one document within a transaction. */
export function writeDocument(context: WriteContext, tenant: Tenant, prepared: PreparedDocument): WrittenDocument {
  const { document } = prepared.cut;
  const previous = tenant.documents.get(document.id);
  if (previous !== undefined && contentHashOf(context.database, previous.rowId) === document.contentHash) {
    return { result: { outcome: "unchanged", version: previous.version }, apply: () => [] };
  }
  const { database, nowMs } = context;
  const touched = touchCollection(database, tenant.name, document.collection);
  const moved = previous !== undefined && previous.collection !== document.collection;
  const left = moved ? touchCollection(database, tenant.name, previous.collection) : undefined;
  const version = (previous?.version ?? 0) + 1;
  const fields = {
    title: document.title,
    mediaType: document.mediaType,
    language: document.language,
    uri: document.uri,
    tags: JSON.stringify(document.tags),
    taxonomyPath: document.taxonomyPath,
    metadata: JSON.stringify(document.metadata),
    version,
    contentHash: document.contentHash,
    createTimeMs: previous?.createTimeMs ?? nowMs,
    // The clock may have been set back; a change is never earlier than the one before.
    updateTimeMs: Math.max(nowMs, previous?.updateTimeMs ?? 0),
  };
  const namesSeq = prepared.mentions?.namesSeq ?? 0;
  const rowId = writeRow(database, tenant.name, touched.rowId, document.id, previous?.rowId, { ...fields, namesSeq });
  database.run("INSERT OR REPLACE INTO document_text (document, text) VALUES (?, ?)", rowId, document.text);
  const passages = writePassages(context, {
    prepared,
    documentRow: rowId,
    collectionRow: touched.rowId,
    previous: moved ? [] : (previous?.passages ?? []),
    spaceRows: spaceRowsOf(tenant.collections.get(document.collection)),
  });
  const kept = new Set(passages.map(({ id }) => id));
  const gone = removePassages(database, previous?.passages.filter(({ id }) => !kept.has(id)) ?? []);
  return {
    result: { outcome: previous === undefined ? "created" : "replaced", version },
    apply: () => {
      const home = applyTouch(tenant, touched);
      const changed = left === undefined ? [home] : [home, applyTouch(tenant, left)];
      if (previous !== undefined) forgetDocument(tenant, previous, gone);
      const entry = new DocumentEntry({ id: document.id, rowId, home, ...fields });
      rememberDocument(tenant, entry, passages);
      return changed;
    },
  };
}

/** Not in memory: it is asked for only when a document is put or listed. */
export function contentHashOf(database: Database, documentRow: number): string {
  const sql = "SELECT content_hash AS contentHash FROM document WHERE id = ?";
  return database.get<{ contentHash: string }>(sql, documentRow)!.contentHash;
}

/** Deletes a document within a transaction. */
export function eraseDocument(database: Database, tenant: Tenant, document: DocumentEntry): () => void {
  const touched = touchCollection(database, tenant.name, document.collection);
  const gone = removePassages(database, document.passages);
  database.run("DELETE FROM document WHERE id = ?", document.rowId);
  return () => {
    applyTouch(tenant, touched);
    forgetDocument(tenant, document, gone);
    tenant.documents.delete(document.id);
  };
}

interface Touched {
  readonly name: string;
  readonly rowId: number;
  readonly recordSeq: number;
}

/** Counts one more change of a collection, which is made if it is new. */
export function touchCollection(database: Database, tenant: string, name: string): Touched {
  const row = database.get<{ rowId: number; recordSeq: number }>(
    `INSERT INTO collection (tenant, name, record_seq) VALUES (?, ?, 1)
     ON CONFLICT (tenant, name) DO UPDATE SET record_seq = record_seq + 1
     RETURNING id AS rowId, record_seq AS recordSeq`,
    tenant,
    name,
  )!;
  return { name, ...row };
}

export function applyTouch(tenant: Tenant, { name, rowId, recordSeq }: Touched): CollectionEntry {
  tenant.changes += 1;
  let entry = tenant.collections.get(name);
  if (entry === undefined) {
    entry = newCollectionEntry({ rowId, name, tenant, recordSeq });
    tenant.collections.set(name, entry);
  }
  entry.recordSeq = recordSeq;
  return entry;
}

type Fields = Record<
  "title" | "mediaType" | "language" | "uri" | "tags" | "taxonomyPath" | "metadata" | "contentHash",
  string
> &
  Record<"version" | "createTimeMs" | "updateTimeMs" | "namesSeq", number>;

function writeRow(
  database: Database,
  tenant: string,
  collection: number,
  id: string,
  previousRow: number | undefined,
  fields: Fields,
): number {
  const { title, mediaType, language, uri, tags, taxonomyPath, metadata, version, contentHash } = fields;
  const values: SQLInputValue[] = [collection, title, mediaType, language, uri, tags, taxonomyPath, metadata];
  values.push(version, contentHash, fields.createTimeMs, fields.updateTimeMs);
  if (previousRow === undefined) {
    const sql = `INSERT INTO document (collection, title, media_type, language, uri, tags, taxonomy_path, metadata, version,
      content_hash, create_time_ms, update_time_ms, tenant, document_id, names_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    return database.run(sql, ...values, tenant, id, fields.namesSeq).id;
  }
  // Of one that is replaced the older: passages that it keeps were looked through when it says, and new ones for the names of that moment.
  const sql = `UPDATE document SET collection = ?, title = ?, media_type = ?, language = ?, uri = ?, tags = ?, taxonomy_path = ?,
    metadata = ?, version = ?, content_hash = ?, create_time_ms = ?, update_time_ms = ?, names_seq = min(names_seq, ?) WHERE id = ?`;
  database.run(sql, ...values, fields.namesSeq, previousRow);
  return previousRow;
}

/** A passage as written; `added` when it is new to the index, else the one before keeps its slot. */
interface WrittenPassage {
  readonly id: number;
  readonly cut: CutPassage;
  readonly kept: PassageEntry | undefined;
  readonly added: { readonly terms: TermCounts; readonly length: number } | undefined;
  /** Vectors of equal content elsewhere in the collection, by space. */
  readonly vectors: readonly { readonly spaceRow: number; readonly row: VectorRow }[];
}

interface PassagesToWrite {
  readonly prepared: PreparedDocument;
  readonly documentRow: number;
  readonly collectionRow: number;
  readonly previous: readonly PassageEntry[];
  readonly spaceRows: readonly number[];
}

function writePassages(context: WriteContext, toWrite: PassagesToWrite): WrittenPassage[] {
  const { database } = context;
  const { prepared, documentRow, collectionRow, previous, spaceRows } = toWrite;
  const reusable = keptByContent(database, documentRow, previous);
  return prepared.cut.passages.map((cut, ordinal) => {
    const { startOffset, endOffset, contentHash, text } = cut;
    const headings = JSON.stringify(cut.headings);
    const kept = reusable.get(contentHash)?.pop();
    if (kept !== undefined) {
      const place = "UPDATE passage SET ordinal = ?, start_offset = ?, end_offset = ? WHERE id = ?";
      database.run(place, ordinal, startOffset, endOffset, kept.id);
      const words = `UPDATE passage_text SET headings = ?, text = ? WHERE passage = ? AND (headings <> ? OR text <> ?)`;
      database.run(words, headings, text, kept.id, headings, text);
      return { id: kept.id, cut, kept, added: undefined, vectors: [] };
    }
    const hash = Buffer.from(contentHash, "hex");
    const { id } = database.run(
      `INSERT INTO passage (document, collection, ordinal, start_offset, end_offset, content_hash) VALUES (?, ?, ?, ?, ?, ?)`,
      documentRow,
      collectionRow,
      ordinal,
      startOffset,
      endOffset,
      hash,
    );
    database.run("INSERT INTO passage_text (passage, headings, text) VALUES (?, ?, ?)", id, headings, text);
    const { length, ...counted } = prepared.terms[ordinal]!;
    const terms = numbered(counted, context.termId);
    const sql = "INSERT INTO passage_terms (passage, token_count, terms) VALUES (?, ?, ?)";
    database.run(sql, id, length, encodeTerms(terms));
    noteMentions(database, id, prepared.mentions?.names[ordinal] ?? []);
    const vectors = spaceRows.flatMap((spaceRow) => copyVector(database, { spaceRow, collectionRow, hash, id }));
    return { id, cut, kept: undefined, added: { terms, length }, vectors };
  });
}

/** The passages that a document has so far, by content. */
function keptByContent(
  database: Database,
  documentRow: number,
  previous: readonly PassageEntry[],
): Map<string, PassageEntry[]> {
  const found = new Map<string, PassageEntry[]>();
  if (previous.length === 0) return found;
  const entries = new Map(previous.map((entry) => [entry.id, entry]));
  const sql = "SELECT id, lower(hex(content_hash)) AS hash FROM passage WHERE document = ? ORDER BY ordinal DESC";
  for (const { id, hash } of database.all<{ id: number; hash: string }>(sql, documentRow)) {
    const same = found.get(hash) ?? [];
    found.set(hash, same);
    same.push(entries.get(id)!);
  }
  return found;
}

function numbered(
  { known, unknown }: Pick<PreparedTerms, "known" | "unknown">,
  termId: (term: string) => number,
): TermCounts {
  if (unknown.length === 0) return known;
  const added = unknown.map(([term, count]) => [termId(term), count] as const);
  return [...known, ...added].sort(([left], [right]) => left - right);
}

/** The oldest equal passages get vectors first; were all looked at, a line repeated in ten thousand passages would be, for each of them. */
const equalsLookedAt = 8;

/** Equal content is embedded once: a new passage takes the vector of an equal one. */
function copyVector(
  database: Database,
  { spaceRow, collectionRow, hash, id }: { spaceRow: number; collectionRow: number; hash: Uint8Array; id: number },
): { spaceRow: number; row: VectorRow }[] {
  const row = database.get<VectorRow>(
    `SELECT scale, components FROM vector_${spaceRow}
     WHERE passage IN (SELECT id FROM passage WHERE collection = ? AND content_hash = ? ORDER BY id LIMIT ${equalsLookedAt}) LIMIT 1`,
    collectionRow,
    hash,
  );
  if (row === undefined) return [];
  const sql = `INSERT INTO vector_${spaceRow} (passage, scale, components) VALUES (?, ?, ?)`;
  database.run(sql, id, row.scale, row.components);
  return [{ spaceRow, row }];
}

function spaceRowsOf(collection: CollectionEntry | undefined): readonly number[] {
  return collection === undefined ? [] : spacesOf(collection).map(({ rowId }) => rowId);
}

interface RemovedPassage {
  readonly entry: PassageEntry;
  /** As `encodeTerms` wrote them. */
  readonly terms: Uint8Array;
}

function removePassages(database: Database, passages: readonly PassageEntry[]): RemovedPassage[] {
  return passages.map((entry) => {
    const sql = "SELECT terms FROM passage_terms WHERE passage = ?";
    const { terms } = database.get<{ terms: Uint8Array }>(sql, entry.id)!;
    database.run("DELETE FROM passage WHERE id = ?", entry.id);
    return { entry, terms };
  });
}

function forgetDocument(tenant: Tenant, document: DocumentEntry, gone: readonly RemovedPassage[]): void {
  const { home } = document;
  tenant.filters.remove(document);
  home.documentCount -= 1;
  home.passageCount -= document.passages.length;
  for (const { entry, terms } of gone) {
    tenant.postings.remove(entry.slot, (visit) => forEachTerm(terms, visit));
    for (const { vectors, refused } of spacesOf(home)) {
      vectors.delete(entry.slot);
      refused.delete(entry.id);
    }
    tenant.passages.delete(entry.id);
    tenant.passagesBySlot[entry.slot] = undefined;
  }
}

function addTerms({ postings }: Tenant, slot: number, { terms, length }: { terms: TermCounts; length: number }): void {
  postings.add(slot, length, (visit) => terms.forEach(([termId, count]) => visit(termId, count)));
}

function rememberDocument(tenant: Tenant, document: DocumentEntry, passages: readonly WrittenPassage[]): void {
  const { home } = document;
  passages.forEach(({ id, cut, kept, added, vectors }, ordinal) => {
    const slot = kept?.slot ?? tenant.postings.takeSlot();
    const { startOffset, endOffset } = cut;
    const entry: PassageEntry = { id, slot, ordinal, startOffset, endOffset, document };
    document.passages.push(entry);
    tenant.passages.set(id, entry);
    tenant.passagesBySlot[slot] = entry;
    if (added !== undefined) addTerms(tenant, slot, added);
    for (const { spaceRow, row } of vectors) {
      const space = spacesOf(home).find(({ rowId }) => rowId === spaceRow);
      space?.vectors.set(slot, decodeVector(row));
    }
  });
  tenant.documents.set(document.id, document);
  tenant.filters.add(document);
  home.documentCount += 1;
  home.passageCount += passages.length;
}
