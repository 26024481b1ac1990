import type { EmbeddingSpace } from "../../domain/collection.ts";
import { createGiveWay } from "../../domain/give-way.ts";
import {
  type CollectionEntry,
  createSpaceEntry,
  DocumentEntry,
  type PassageEntry,
  type SpaceEntry,
} from "./catalogue.ts";
import type { EmbeddedState } from "./state.ts";
import { decodeTerms } from "./term-codec.ts";
import { decodeVector, type VectorRow } from "./vector-codec.ts";

/** Fills an empty state from the file. Gives way to other work; the signal ends it. */
export async function loadState(state: EmbeddedState, signal: AbortSignal): Promise<void> {
  const giveWay = createGiveWay();
  const pause = () => giveWay(signal);
  const collections = loadCollections(state);
  const passages = await loadPassages(state, await loadDocuments(state, collections, pause), pause);
  await loadTerms(state, passages, pause);
  await loadVectors(state, collections, passages, pause);
}

type Pause = () => Promise<void> | undefined;

function loadCollections(state: EmbeddedState): Map<number, CollectionEntry> {
  interface Row {
    id: number;
    tenant: string;
    name: string;
    record_seq: number;
  }
  const collections = new Map<number, CollectionEntry>();
  for (const row of state.database.all<Row>("SELECT id, tenant, name, record_seq FROM collection")) {
    const tenant = state.tenant(row.tenant);
    const entry: CollectionEntry = {
      rowId: row.id,
      name: row.name,
      tenant,
      recordSeq: row.record_seq,
      documentCount: 0,
      passageCount: 0,
      active: undefined,
      building: undefined,
    };
    tenant.collections.set(row.name, entry);
    collections.set(row.id, entry);
  }
  return collections;
}

async function loadDocuments(
  { database }: EmbeddedState,
  collections: ReadonlyMap<number, CollectionEntry>,
  pause: Pause,
): Promise<Map<number, DocumentEntry>> {
  interface Row {
    rowId: number;
    id: string;
    collection: number;
    title: string;
    mediaType: string;
    language: string;
    uri: string;
    tags: string;
    taxonomyPath: string;
    metadata: string;
    version: number;
    contentHash: string;
    createTimeMs: number;
    updateTimeMs: number;
  }
  const documents = new Map<number, DocumentEntry>();
  const rows = database.iterate<Row>(`
    SELECT id AS rowId, document_id AS id, collection, title, media_type AS mediaType, language, uri, tags,
      taxonomy_path AS taxonomyPath, metadata, version, content_hash AS contentHash, create_time_ms AS createTimeMs,
      update_time_ms AS updateTimeMs
    FROM document`);
  for (const row of rows) {
    const home = collections.get(row.collection)!;
    const entry = new DocumentEntry({ ...row, home });
    home.tenant.documents.set(entry.id, entry);
    home.documentCount += 1;
    documents.set(entry.rowId, entry);
    await pause();
  }
  return documents;
}

async function loadPassages(
  { database }: EmbeddedState,
  documents: ReadonlyMap<number, DocumentEntry>,
  pause: Pause,
): Promise<Map<number, PassageEntry>> {
  interface Row {
    id: number;
    document: number;
    ordinal: number;
    startOffset: number;
    endOffset: number;
  }
  const passages = new Map<number, PassageEntry>();
  const rows = database.iterate<Row>(`
    SELECT id, document, ordinal, start_offset AS startOffset, end_offset AS endOffset
    FROM passage ORDER BY id`);
  for (const { id, document: documentRow, ordinal, startOffset, endOffset } of rows) {
    const document = documents.get(documentRow)!;
    const { home } = document;
    const slot = home.tenant.postings.takeSlot();
    const entry = { id, slot, ordinal, startOffset, endOffset, document };
    // A replaced document keeps the rows of unchanged passages, so that rows are not in its order.
    document.passages[ordinal] = entry;
    home.tenant.passages.set(id, entry);
    home.tenant.passagesBySlot[slot] = entry;
    home.passageCount += 1;
    passages.set(id, entry);
    await pause();
  }
  return passages;
}

async function loadTerms(
  { database, termIds, tenants }: EmbeddedState,
  passages: ReadonlyMap<number, PassageEntry>,
  pause: Pause,
): Promise<void> {
  for (const { id, text } of database.iterate<{ id: number; text: string }>("SELECT id, text FROM term")) {
    termIds.set(text, id);
    await pause();
  }
  interface Row {
    passage: number;
    length: number;
    terms: Uint8Array;
  }
  const rows = database.iterate<Row>("SELECT passage, token_count AS length, terms FROM passage_terms");
  for (const { passage, length, terms } of rows) {
    const { slot, document } = passages.get(passage)!;
    document.home.tenant.postings.add(slot, decodeTerms(terms), length);
    await pause();
  }
  for (const { postings } of tenants.values()) {
    const steps = postings.merge();
    while (steps.next().done !== true) await pause();
  }
}

async function loadVectors(
  { database }: EmbeddedState,
  collections: ReadonlyMap<number, CollectionEntry>,
  passages: ReadonlyMap<number, PassageEntry>,
  pause: Pause,
): Promise<void> {
  interface Row {
    rowId: number;
    collection: number;
    role: "active" | "building";
    id: string;
    dimensions: number;
    kind: EmbeddingSpace["kind"];
    denseWeight: number;
    cacheThreshold: number;
    model: string;
  }
  const rows = database.all<Row>(`
    SELECT id AS rowId, collection, role, space_id AS id, dimensions, kind, dense_weight AS denseWeight,
      cache_threshold AS cacheThreshold, model
    FROM space`);
  for (const { rowId, collection, role, ...space } of rows) {
    const entry: SpaceEntry = createSpaceEntry(rowId, space);
    collections.get(collection)![role] = entry;
    const vectors = database.iterate<VectorRow & { passage: number }>(
      `SELECT passage, scale, components FROM vector_${rowId}`,
    );
    for (const vector of vectors) {
      entry.rows.set(passages.get(vector.passage)!.slot, decodeVector(vector));
      await pause();
    }
  }
}
