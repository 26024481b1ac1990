import { createGiveWay } from "@quartet/turns";
import { type WorkerPool, workerTask } from "@quartet/workers";
import type { EmbeddingSpace } from "../../domain/collection.ts";
import {
  type CollectionEntry,
  createSpaceEntry,
  DocumentEntry,
  newCollectionEntry,
  type PassageEntry,
} from "./catalogue.ts";
import { type KeywordsToLoad, loadKeywords, type TenantKeywords } from "./load-keywords.worker.ts";
import { vectorPassagesIndex } from "./migrations.ts";
import type { UnreadSpace } from "./read-vectors.ts";
import type { EmbeddedState } from "./state.ts";

/**
 * Fills an empty state from the file, all but the vectors, which are read afterwards. The keyword index, which takes as long as all the rest, is
 * read in a thread of its own meanwhile. Gives way to other work; the signal ends it.
 */
export async function loadState(
  state: EmbeddedState,
  { signal, workers }: { readonly signal: AbortSignal; readonly workers: WorkerPool },
): Promise<readonly UnreadSpace[]> {
  const giveWay = createGiveWay();
  const pause = () => giveWay(signal);
  const keywords = readKeywords(state, workers, signal);
  // What is read here may fail first.
  keywords.catch(() => undefined);
  const collections = loadCollections(state);
  const documents = await loadDocuments(state, collections, pause);
  const passages = await loadPassages(state, documents, pause);
  await loadTerms(state, pause);
  const unread = await loadSpaces(state, collections, passages, pause);
  for (const { tenant, lists } of await keywords) state.tenant(tenant).postings.adopt(lists);
  return unread;
}

const loadKeywordsTask = workerTask<KeywordsToLoad, readonly TenantKeywords[]>(
  import.meta.url,
  "./load-keywords.worker",
  "loadKeywords",
);
const loadLimitMs = 10 * 60_000;

function readKeywords(
  { database: { file } }: EmbeddedState,
  workers: WorkerPool,
  signal: AbortSignal,
): Promise<readonly TenantKeywords[]> {
  if (file === undefined) return Promise.resolve([]);
  const task = { file };
  const reading = workers.run(loadKeywordsTask, task, { signal, limitMs: loadLimitMs });
  return reading.catch((error: unknown) => {
    if (signal.aborted) throw error;
    // Without a thread it takes longer; and of a file that is damaged, it is here that one sees why.
    return loadKeywords(task);
  });
}

type Pause = () => Promise<void> | undefined;

const maxSharedStrings = 1_000;

/** A look at the clock for each row would cost as much as the row. */
const rowsBetweenPauses = 256;

async function forEachRow<Row>(rows: Iterable<Row>, pause: Pause, visit: (row: Row) => void): Promise<void> {
  let left = rowsBetweenPauses;
  for (const row of rows) {
    visit(row);
    left -= 1;
    if (left > 0) continue;
    left = rowsBetweenPauses;
    await pause();
  }
}

function loadCollections(state: EmbeddedState): Map<number, CollectionEntry> {
  interface Row {
    rowId: number;
    tenant: string;
    name: string;
    recordSeq: number;
  }
  const collections = new Map<number, CollectionEntry>();
  const sql = "SELECT id AS rowId, tenant, name, record_seq AS recordSeq FROM collection";
  for (const { rowId, tenant: tenantName, name, recordSeq } of state.database.all<Row>(sql)) {
    const tenant = state.tenant(tenantName);
    const entry = newCollectionEntry({ rowId, name, tenant, recordSeq });
    tenant.collections.set(name, entry);
    collections.set(rowId, entry);
  }
  return collections;
}

async function loadDocuments(
  { database }: EmbeddedState,
  collections: ReadonlyMap<number, CollectionEntry>,
  pause: Pause,
): Promise<Map<number, DocumentEntry>> {
  type Row = [
    ...[rowId: number, id: string, collection: number, title: string, mediaType: string, language: string, uri: string],
    ...[tags: string, taxonomyPath: string, metadata: string, version: number],
    ...[createTimeMs: number, updateTimeMs: number],
  ];
  const documents = new Map<number, DocumentEntry>();
  const seen = new Map<string, string>();
  /** A few values are those of nearly all documents: one string for all of them. */
  const shared = (text: string): string => {
    const known = seen.get(text);
    if (known !== undefined) return known;
    if (seen.size < maxSharedStrings) seen.set(text, text);
    return text;
  };
  const rows = database.rows<Row>(`
    SELECT id, document_id, collection, title, media_type, language, uri, tags, taxonomy_path, metadata, version,
      create_time_ms, update_time_ms
    FROM document`);
  await forEachRow(rows, pause, (row) => {
    const [rowId, id, collection, title, mediaType, language, uri, tags, taxonomyPath, metadata, version] = row;
    const [, , , , , , , , , , , createTimeMs, updateTimeMs] = row;
    const home = collections.get(collection)!;
    const entry = new DocumentEntry({
      rowId,
      home,
      id,
      title,
      mediaType: shared(mediaType),
      language: shared(language),
      uri,
      tags,
      taxonomyPath: shared(taxonomyPath),
      metadata,
      version,
      createTimeMs,
      updateTimeMs,
    });
    home.tenant.documents.set(id, entry);
    home.documentCount += 1;
    documents.set(rowId, entry);
  });
  return documents;
}

async function loadPassages(
  { database }: EmbeddedState,
  documents: ReadonlyMap<number, DocumentEntry>,
  pause: Pause,
): Promise<Map<number, PassageEntry>> {
  type Row = [id: number, document: number, ordinal: number, startOffset: number, endOffset: number];
  const passages = new Map<number, PassageEntry>();
  const rows = database.rows<Row>("SELECT id, document, ordinal, start_offset, end_offset FROM passage ORDER BY id");
  await forEachRow(rows, pause, ([id, documentRow, ordinal, startOffset, endOffset]) => {
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
  });
  return passages;
}

async function loadTerms({ database, termIds }: EmbeddedState, pause: Pause): Promise<void> {
  const words = database.rows<[id: number, text: string]>("SELECT id, text FROM term");
  await forEachRow(words, pause, ([id, text]) => termIds.set(text, id));
}

/** Spaces, and which passages have vectors in them or are refused. */
async function loadSpaces(
  { database }: EmbeddedState,
  collections: ReadonlyMap<number, CollectionEntry>,
  passages: ReadonlyMap<number, PassageEntry>,
  pause: Pause,
): Promise<UnreadSpace[]> {
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
  const spaces = database.all<Row>(`
    SELECT id AS rowId, collection, role, space_id AS id, dimensions, kind, dense_weight AS denseWeight,
      cache_threshold AS cacheThreshold, model
    FROM space`);
  const unread: UnreadSpace[] = [];
  for (const { rowId, collection: collectionRow, role, ...fields } of spaces) {
    const collection = collections.get(collectionRow)!;
    const space = createSpaceEntry(rowId, fields);
    collection[role] = space;
    unread.push({ collection, space });
    database.exec(vectorPassagesIndex(rowId));
    const rows = database.rows<[passage: number]>(`SELECT passage FROM vector_${rowId}`);
    await forEachRow(rows, pause, ([passage]) => space.vectors.expect(passages.get(passage)!.slot));
    const refused = database.all<{ passage: number }>("SELECT passage FROM refused_passage WHERE space = ?", rowId);
    for (const { passage } of refused) space.refused.add(passage);
  }
  return unread;
}
