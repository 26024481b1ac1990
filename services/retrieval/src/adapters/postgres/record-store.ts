import { ConflictError, type Pool, type Transaction } from "@quartet/postgres";
import type { Collection, CollectionState, EmbeddingSpace, SpaceProgress } from "../../domain/collection.ts";
import type { CutDocument } from "../../domain/document.ts";
import type { CallOptions, PutResult, RecordStore } from "../../domain/record-store.ts";
import { StoreBusyError, StoreTimeoutError, StoreUnavailableError } from "../../domain/store-errors.ts";
import { countDocuments } from "./count-documents.ts";
import { toStoreError, withStoreErrors } from "./errors.ts";
import { listDocuments } from "./list-documents.ts";
import { noteChanges } from "./note-changes.ts";
import { type AttributeRow, attributeColumns, attributesOf, storableIds } from "./rows.ts";
import { writeDocument, type WrittenDocument } from "./write-document.ts";

export interface RecordStoreOptions {
  /** Under a role that row-level security holds for. */
  readonly pool: Pool;
  /** Whether changes are left in the outbox for a keyword index of its own; else there is none, and the index lags behind nothing. */
  readonly projected: boolean;
}

/** Documents deleted in one transaction. */
const deletedAtOnce = 100;
/** A transaction that stood in another's way is tried again. */
const maxAttempts = 3;

/** The record in PostgreSQL. Errors: StoreUnavailableError, StoreTimeoutError, StoreBusyError. */
export function createRecordStore({ pool, projected }: RecordStoreOptions): RecordStore {
  const reading = <Result>(tenant: string, options: CallOptions, work: (transaction: Transaction) => Promise<Result>) =>
    withStoreErrors(() => pool.transaction({ ...options, tenant, readOnly: true }, work));
  const writing = <Result>(tenant: string, options: CallOptions, work: (transaction: Transaction) => Promise<Result>) =>
    retried(() => pool.transaction({ ...options, tenant }, work));

  return {
    async putDocuments(tenant, documents, options) {
      const { signal } = options;
      const collectionId = createCollectionIds(tenant);
      const states = new Map<string, CollectionState>();
      const write = (cut: CutDocument, onPrevious: (version: number) => void): Promise<WrittenDocument> =>
        writing(tenant, options, (transaction) =>
          writeDocument({ transaction, tenant, projected, signal, collectionId }, cut, onPrevious),
        );
      const results: PutResult[] = [];
      const writer = createPatientWriter(write, signal);
      for (const cut of documents) {
        signal.throwIfAborted();
        const { result, collections } = await writer(cut);
        results.push(result);
        for (const state of collections) states.set(state.collection, state);
      }
      return { results, collections: [...states.values()] };
    },

    versions: (tenant, documentIds, options) =>
      reading(tenant, options, async (transaction) => {
        const rows = await transaction.query<{ document_id: string; version: number; content_hash: string }>(
          `SELECT document_id, version, encode(content_hash, 'hex') AS content_hash FROM document
           WHERE tenant = $1 AND document_id = ANY ($2::text[])`,
          [tenant, storableIds(documentIds)],
        );
        return new Map(
          rows.map(({ document_id, version, content_hash }) => [document_id, { version, contentHash: content_hash }]),
        );
      }),

    listDocuments: (tenant, query, options) =>
      reading(tenant, options, (transaction) => listDocuments(transaction, tenant, query)),

    countDocuments: (tenant, query, options) =>
      reading(tenant, options, (transaction) => countDocuments(transaction, tenant, query)),

    async deleteDocuments(tenant, documentIds, options) {
      const ids = storableIds([...new Set(documentIds)]);
      let deleted = 0;
      for (let start = 0; start < ids.length; start += deletedAtOnce) {
        const group = ids.slice(start, start + deletedAtOnce);
        deleted += await withStoreErrors(() =>
          writing(tenant, options, (transaction) => deleteGroup({ transaction, tenant, projected }, group)),
        );
      }
      return deleted;
    },

    collections: (tenant, options) => reading(tenant, options, (transaction) => readCollections(transaction, tenant)),

    passages: (tenant, passageIds, options) =>
      reading(tenant, options, async (transaction) => {
        const rows = await transaction.query<PassageRow>({
          name: "read-passages",
          text: `SELECT p.id, p.ordinal, p.start_offset, p.end_offset, p.text, ${attributeColumns}
              FROM passage p JOIN document d ON d.id = p.document WHERE p.tenant = $1 AND d.tenant = $1 AND p.id = ANY ($2::bigint[])`,
          values: [tenant, passageIds],
        });
        return new Map(rows.map((row) => [row.id, toPassage(row)]));
      }),
  };
}

interface PassageRow extends AttributeRow {
  readonly id: number;
  readonly ordinal: number;
  readonly start_offset: number;
  readonly end_offset: number;
  readonly text: string;
}

function toPassage(row: PassageRow) {
  const { ordinal, start_offset: startOffset, end_offset: endOffset, text } = row;
  return { ordinal, startOffset, endOffset, text, document: attributesOf(row) };
}

async function retried<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === maxAttempts) throw error;
    }
  }
}

/** One document failed for the store's sake may be the accident of one connection; a second says that the others need not be tried. */
function createPatientWriter(
  write: (cut: CutDocument, onPrevious: (version: number) => void) => Promise<WrittenDocument>,
  signal: AbortSignal,
): (cut: CutDocument) => Promise<WrittenDocument> {
  let failures = 0;
  let lastError: unknown;
  return async (cut) => {
    let version = 0;
    if (failures >= 2) return { result: { outcome: "failed", version, error: lastError }, collections: [] };
    try {
      const written = await write(cut, (found) => (version = found));
      failures = 0;
      return written;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toStoreError(thrown);
      lastError = error;
      failures = isOfStore(error) ? failures + 1 : 0;
      return { result: { outcome: "failed", version, error }, collections: [] };
    }
  };
}

function isOfStore(error: unknown): boolean {
  return [StoreUnavailableError, StoreTimeoutError, StoreBusyError].some((type) => error instanceof type);
}

/** Rows of collections by name, looked up once per call: none is ever deleted. */
function createCollectionIds(tenant: string): (transaction: Transaction, name: string) => Promise<number> {
  const known = new Map<string, number>();
  const find = async (transaction: Transaction, name: string): Promise<number | undefined> => {
    const text = "SELECT id FROM collection WHERE tenant = $1 AND name = $2";
    return (await transaction.query<{ id: number }>(text, [tenant, name]))[0]?.id;
  };
  return async (transaction, name) => {
    const id = known.get(name) ?? (await find(transaction, name));
    if (id !== undefined) {
      known.set(name, id);
      return id;
    }
    // Not remembered: the transaction may yet be rolled back.
    const text =
      "INSERT INTO collection (tenant, name) VALUES ($1, $2) ON CONFLICT (tenant, name) DO NOTHING RETURNING id";
    const [made] = await transaction.query<{ id: number }>(text, [tenant, name]);
    return made?.id ?? (await find(transaction, name))!;
  };
}

async function deleteGroup(
  context: { readonly transaction: Transaction; readonly tenant: string; readonly projected: boolean },
  documentIds: readonly string[],
): Promise<number> {
  const { transaction, tenant } = context;
  const documents = await transaction.query<{
    id: number;
    document_id: string;
    collection_id: number;
    passage_count: number;
  }>(
    `SELECT id, document_id, collection_id, passage_count FROM document WHERE tenant = $1 AND document_id = ANY ($2::text[])
     ORDER BY document_id FOR UPDATE`,
    [tenant, documentIds],
  );
  if (documents.length === 0) return 0;
  const rows = documents.map(({ id }) => id);
  // Not left to the foreign key, which deletes document by document.
  const passages = await transaction.query<{ id: number; document: number }>(
    "DELETE FROM passage WHERE tenant = $1 AND document = ANY ($2::bigint[]) RETURNING id, document",
    [tenant, rows],
  );
  await transaction.execute("DELETE FROM document WHERE tenant = $1 AND id = ANY ($2::bigint[])", [tenant, rows]);
  const removed = Map.groupBy(passages, ({ document }) => document);
  const changes = documents.map(
    ({ id, document_id: documentId, collection_id: collectionId, passage_count: count }) => ({
      documentId,
      seq: undefined,
      collectionId,
      documents: -1,
      passages: -count,
      removedPassageIds: removed.get(id)?.map((passage) => passage.id) ?? [],
    }),
  );
  await noteChanges(context, changes);
  return documents.length;
}

type SpaceRow = {
  readonly collection_id: number;
  readonly role: "active" | "building";
  readonly space_id: string;
  readonly dimensions: number;
  readonly kind: EmbeddingSpace["kind"];
  readonly dense_weight: number;
  readonly cache_threshold: number;
  readonly model: string;
  readonly vector_count: number;
  readonly refused_count: number;
};

export async function readCollections(transaction: Transaction, tenant: string): Promise<Collection[]> {
  const collections = await transaction.query<{
    id: number;
    name: string;
    record_seq: number;
    projected_seq: number;
    document_count: number;
    passage_count: number;
  }>(
    `SELECT id, name, record_seq, projected_seq, document_count, passage_count FROM collection WHERE tenant = $1 ORDER BY name`,
    [tenant],
  );
  const spaces = await transaction.query<SpaceRow>(
    `SELECT collection_id, role, space_id, dimensions, kind, dense_weight, cache_threshold, model, vector_count, refused_count FROM space
     WHERE tenant = $1 AND role <> 'left'`,
    [tenant],
  );
  const progress = (collectionId: number, role: SpaceRow["role"]): SpaceProgress | undefined => {
    const row = spaces.find((space) => space.collection_id === collectionId && space.role === role);
    if (row === undefined) return undefined;
    const { space_id: id, dimensions, kind, dense_weight, cache_threshold, model, vector_count: vectorCount } = row;
    return {
      space: { id, dimensions, kind, denseWeight: dense_weight, cacheThreshold: cache_threshold, model },
      vectorCount,
      refusedCount: row.refused_count,
    };
  };
  return collections.map(({ id, name, record_seq, projected_seq, document_count, passage_count }) => ({
    state: { collection: name, recordSeq: record_seq, projectedSeq: projected_seq },
    documentCount: document_count,
    passageCount: passage_count,
    active: progress(id, "active"),
    building: progress(id, "building"),
  }));
}
