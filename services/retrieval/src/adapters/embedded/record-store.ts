import { terms } from "@quartet/text";
import { createGiveWay } from "@quartet/turns";
import { compareCodePoints } from "../../domain/code-point-order.ts";
import type { CutDocument, StoredPassage } from "../../domain/document.ts";
import { compileFilter } from "../../domain/filter-match.ts";
import { requiredDocumentIds } from "../../domain/filter-scope.ts";
import { passageContent } from "../../domain/passage-content.ts";
import type { DocumentPage, DocumentQuery, PutResult, RecordStore } from "../../domain/record-store.ts";
import {
  attributesOf,
  type CollectionEntry,
  type DocumentEntry,
  stateOf,
  type Tenant,
  toCollection,
  toStoredDocument,
} from "./catalogue.ts";
import { countDocuments } from "./count-documents.ts";
import { lookThrough, namesIn } from "./find-names.ts";
import { numberNewTerms } from "./number-terms.ts";
import type { EmbeddedState } from "./state.ts";
import type { TenantGraph } from "./tenant-graph.ts";
import {
  contentHashOf,
  eraseDocument,
  type PreparedDocument,
  type PreparedTerms,
  writeDocument,
  type WrittenDocument,
} from "./write-document.ts";

/** Documents share a transaction, and so one wait for the disk, up to this many passages: other calls wait some 5 to 10 ms. */
const passagesPerTransaction = 32;

/** Equal parts of all of them rather than full ones and a rest: as many waits for the disk, and shorter ones for others. */
function evenLimit(passageCount: number): number {
  return Math.ceil(passageCount / Math.ceil(passageCount / passagesPerTransaction));
}

/** Documents looked at for one page. */
const maxScannedDocuments = 10_000;
const scanBatch = 500;

export function createRecordStore(state: EmbeddedState): RecordStore {
  return {
    putDocuments: async (tenantName, documents, { signal }) => {
      const tenant = state.tenant(tenantName);
      const results: PutResult[] = [];
      const touched = new Set<CollectionEntry>();
      const giveWay = createGiveWay();
      for await (const group of groups(
        documents,
        { termIds: state.termIds, graphOf: () => state.graphs.get(tenantName) },
        signal,
      )) {
        await numberNewTerms(state, group, signal);
        await giveWay(signal);
        results.push(...writeGroup(state, tenant, group, touched));
        const graph = state.graphs.get(tenantName);
        if (graph && group.some(({ mentions }) => (mentions?.namesSeq ?? 0) < graph.namesSeq))
          lookThrough(state, graph);
      }
      return { results, collections: [...touched].map(stateOf) };
    },

    versions: async (tenantName, documentIds) => {
      const documents = state.tenants.get(tenantName)?.documents;
      const found = new Map<string, { version: number; contentHash: string }>();
      for (const id of documentIds) {
        const entry = documents?.get(id);
        if (entry === undefined) continue;
        found.set(id, { version: entry.version, contentHash: contentHashOf(state.database, entry.rowId) });
      }
      return found;
    },

    listDocuments: async (tenantName, query, { signal }) => {
      const tenant = state.tenants.get(tenantName);
      if (tenant === undefined) return { documents: [], nextAfterId: undefined };
      return listDocuments(state, tenant, query, signal);
    },

    countDocuments: (tenantName, query, { signal }) =>
      countDocuments(state.tenants.get(tenantName)?.documents.values() ?? [], query, signal),

    deleteDocuments: async (tenantName, documentIds, { signal }) => {
      const tenant = state.tenants.get(tenantName);
      if (tenant === undefined) return 0;
      return deleteDocuments(state, tenant, documentIds, signal);
    },

    collections: async (tenantName) => {
      const collections = [...(state.tenants.get(tenantName)?.collections.values() ?? [])];
      return collections.sort((left, right) => compareCodePoints(left.name, right.name)).map(toCollection);
    },

    passages: async (tenantName, passageIds) => {
      const tenant = state.tenants.get(tenantName);
      const found = new Map<number, StoredPassage>();
      for (const id of passageIds) {
        const entry = tenant?.passages.get(id);
        if (entry === undefined) continue;
        const { ordinal, startOffset, endOffset, document } = entry;
        const sql = "SELECT text FROM passage_text WHERE passage = ?";
        const { text } = state.database.get<{ text: string }>(sql, id)!;
        found.set(id, { ordinal, startOffset, endOffset, text, document: attributesOf(document) });
      }
      return found;
    },
  };
}

/** Counts terms and finds names, which takes the time, and gathers what goes into one transaction: never one document twice. */
async function* groups(
  documents: readonly CutDocument[],
  {
    termIds,
    graphOf,
  }: { readonly termIds: ReadonlyMap<string, number>; readonly graphOf: () => TenantGraph | undefined },
  signal: AbortSignal,
): AsyncGenerator<PreparedDocument[]> {
  const giveWay = createGiveWay();
  const limit = evenLimit(documents.reduce((sum, { passages }) => sum + passages.length, 0));
  let group: PreparedDocument[] = [];
  let passageCount = 0;
  for (const cut of documents) {
    const { id, title } = cut.document;
    const isFull = passageCount > 0 && passageCount + cut.passages.length > limit;
    if (isFull || group.some((prepared) => prepared.cut.document.id === id)) {
      yield group;
      group = [];
      passageCount = 0;
    }
    const counted: PreparedTerms[] = [];
    const graph = graphOf();
    // From before the look: names that come amid it may be missed, and the document is looked through again.
    const mentions = graph && { namesSeq: graph.namesSeq, names: [] as (readonly number[])[] };
    for (const { headings, text } of cut.passages) {
      const content = passageContent({ title, headings, text });
      counted.push(countTerms(terms(content), termIds));
      if (graph && mentions) mentions.names.push(namesIn(graph, content));
      await giveWay(signal);
    }
    group.push({ cut, terms: counted, mentions });
    passageCount += cut.passages.length;
  }
  signal.throwIfAborted();
  if (group.length > 0) yield group;
}

function countTerms(all: readonly string[], termIds: ReadonlyMap<string, number>): PreparedTerms {
  const counts = new Map<string, number>();
  for (const term of all) counts.set(term, (counts.get(term) ?? 0) + 1);
  const known: [termId: number, count: number][] = [];
  const unknown: [term: string, count: number][] = [];
  for (const [term, count] of counts) {
    const id = termIds.get(term);
    if (id === undefined) unknown.push([term, count]);
    else known.push([id, count]);
  }
  return { known: known.sort(([left], [right]) => left - right), unknown, length: all.length };
}

/** One transaction for the group, and in it one for each document. */
function writeGroup(
  state: EmbeddedState,
  tenant: Tenant,
  group: readonly PreparedDocument[],
  touched: Set<CollectionEntry>,
): PutResult[] {
  const { database } = state;
  const newTerms = new Map<string, number>();
  const failed = (prepared: PreparedDocument, error: unknown): WrittenDocument => {
    const version = tenant.documents.get(prepared.cut.document.id)?.version ?? 0;
    return { result: { outcome: "failed", version, error }, apply: () => [] };
  };
  const writeOne = (prepared: PreparedDocument): WrittenDocument => {
    const ownTerms = new Map<string, number>();
    const termId = (term: string): number => {
      const known = state.termIds.get(term) ?? newTerms.get(term) ?? ownTerms.get(term);
      if (known !== undefined) return known;
      const { id } = database.run("INSERT INTO term (text) VALUES (?)", term);
      ownTerms.set(term, id);
      return id;
    };
    try {
      const context = { database, nowMs: state.nowMs(), termId };
      const written = database.savepoint(() => writeDocument(context, tenant, prepared));
      for (const [term, id] of ownTerms) newTerms.set(term, id);
      return written;
    } catch (error) {
      // With the transaction gone the documents before this one are gone too.
      if (!database.isInTransaction) throw error;
      return failed(prepared, error);
    }
  };
  try {
    const written = database.transaction(() => group.map(writeOne));
    for (const [term, id] of newTerms) state.termIds.set(term, id);
    for (const { apply } of written) for (const collection of apply()) touched.add(collection);
    state.mergeWhereDue(tenant);
    return written.map(({ result }) => result);
  } catch (error) {
    return group.map((prepared) => failed(prepared, error).result);
  }
}

/** As many documents to a transaction as have together about `passagesPerTransaction`. */
async function deleteDocuments(
  state: EmbeddedState,
  tenant: Tenant,
  documentIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const giveWay = createGiveWay();
  const left = [...new Set(documentIds)];
  let deleted = 0;
  while (left.length > 0) {
    await giveWay(signal);
    // Looked up anew each time: another call may have changed them meanwhile.
    const group: DocumentEntry[] = [];
    for (let passages = 0; left.length > 0 && passages < passagesPerTransaction;) {
      const document = tenant.documents.get(left.pop()!);
      if (document === undefined) continue;
      group.push(document);
      passages += document.passages.length;
    }
    const erase = (document: DocumentEntry) => eraseDocument(state.database, tenant, document);
    for (const apply of state.database.transaction(() => group.map(erase))) apply();
    deleted += group.length;
    state.mergeWhereDue(tenant);
  }
  return deleted;
}

async function listDocuments(
  state: EmbeddedState,
  tenant: Tenant,
  { filter, afterId, limit, maxTextBytes }: DocumentQuery,
  signal: AbortSignal,
): Promise<DocumentPage> {
  const giveWay = createGiveWay();
  const matches = filter === undefined ? () => true : compileFilter(filter);
  const documents: { document: ReturnType<typeof toStoredDocument>; text: string | undefined }[] = [];
  let textBytes = 0;
  let scanned = 0;
  let last = afterId;
  for (const entry of candidates(state, tenant, requiredDocumentIds(filter), afterId)) {
    if (documents.length >= limit || scanned >= maxScannedDocuments) return { documents, nextAfterId: last };
    scanned += 1;
    if (matches(entry)) {
      const text = maxTextBytes === undefined ? undefined : readText(state, entry);
      textBytes += text === undefined ? 0 : Buffer.byteLength(text);
      if (maxTextBytes !== undefined && textBytes > maxTextBytes && documents.length > 0) {
        return { documents, nextAfterId: last };
      }
      const contentHash = contentHashOf(state.database, entry.rowId);
      documents.push({ document: toStoredDocument(entry, contentHash), text });
    }
    last = entry.id;
    await giveWay(signal);
  }
  return { documents, nextAfterId: undefined };
}

/** Documents that may satisfy the filter, by ID. */
function* candidates(
  { database }: EmbeddedState,
  tenant: Tenant,
  ids: readonly string[] | undefined,
  afterId: string | undefined,
): Generator<DocumentEntry> {
  const present = (found: readonly string[]) => found.flatMap((id) => tenant.documents.get(id) ?? []);
  if (ids !== undefined) {
    const sorted = ids.filter((id) => afterId === undefined || compareCodePoints(id, afterId) > 0);
    yield* present(sorted.sort(compareCodePoints));
    return;
  }
  const sql = "SELECT document_id FROM document WHERE tenant = ? AND document_id > ? ORDER BY document_id LIMIT ?";
  for (let after = afterId ?? ""; ;) {
    const rows = database.all<{ document_id: string }>(sql, tenant.name, after, scanBatch);
    yield* present(rows.map(({ document_id }) => document_id));
    if (rows.length < scanBatch) return;
    after = rows.at(-1)!.document_id;
  }
}

function readText({ database }: EmbeddedState, { rowId }: DocumentEntry): string {
  return database.get<{ text: string }>("SELECT text FROM document_text WHERE document = ?", rowId)?.text ?? "";
}
