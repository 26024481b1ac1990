import { compareCodePoints } from "../src/domain/code-point-order.ts";
import type { Collection } from "../src/domain/collection.ts";
import type { CutDocument, CutPassage, DocumentAttributes } from "../src/domain/document.ts";
import { compileFilter } from "../src/domain/filter-match.ts";
import { compareCounts, facetValues, hasPrefix } from "../src/domain/document-counts.ts";
import type { DocumentChange, Outbox, OutboxCursor } from "../src/domain/outbox.ts";
import type { RebuildLease } from "../src/domain/rebuild.ts";
import type { RecordStore } from "../src/domain/record-store.ts";

interface Entry {
  readonly row: number;
  readonly tenant: string;
  readonly seq: number;
  readonly contentHash: string;
  readonly document: DocumentAttributes & { readonly version: number };
  readonly passages: readonly (CutPassage & { readonly id: number; readonly ordinal: number })[];
}

interface Waiting {
  readonly seq: number;
  readonly since: number;
  readonly tenant: string;
  readonly documentId: string;
  readonly removed: readonly number[];
  readonly collections: readonly string[];
}

/** A record with its outbox, in memory and as plain as can be: what a keyword index of its own is tested with. */
export function createMemoryRecord() {
  const entries = new Map<string, Entry>();
  const seqs = new Map<string, { record: number; projected: number }>();
  let waiting: Waiting[] = [];
  let indexes: readonly string[] = [];
  let lastSeq = 0;
  let lastPassage = 0;
  let lastRow = 0;
  let batchEnded: Promise<void> | undefined;
  let isBuilding = false;

  const keyOf = (tenant: string, id: string) => `${tenant}\0${id}`;
  const stateOf = (tenant: string, collection: string) => {
    const { record, projected } = seqs.get(keyOf(tenant, collection)) ?? { record: 0, projected: 0 };
    return { collection, recordSeq: record, projectedSeq: projected };
  };
  const leave = (tenant: string, documentId: string, removed: readonly number[], collections: readonly string[]) => {
    for (const collection of new Set(collections)) {
      const { record, projected } = seqs.get(keyOf(tenant, collection)) ?? { record: 0, projected: 0 };
      seqs.set(keyOf(tenant, collection), { record: record + 1, projected });
    }
    waiting.push({ seq: ++lastSeq, since: performance.now(), tenant, documentId, removed, collections });
    return lastSeq;
  };
  const of = (tenant: string) =>
    [...entries.values()]
      .filter((entry) => entry.tenant === tenant)
      .sort((left, right) => compareCodePoints(left.document.id, right.document.id));
  const changeOf = (tenant: string, documentId: string, seq: number, removed: readonly number[]): DocumentChange => {
    const entry = entries.get(keyOf(tenant, documentId));
    const current = entry && { document: entry.document, passages: entry.passages };
    return { tenant, documentId, seq, current, removedPassageIds: removed };
  };

  const put = (tenant: string, { document, passages }: CutDocument) => {
    const before = entries.get(keyOf(tenant, document.id));
    const version = before?.document.version ?? 0;
    if (before?.contentHash === document.contentHash) return { outcome: "unchanged", version } as const;
    // As in the genuine ones: a passage whose content is unchanged keeps its number.
    const known = (before?.passages ?? []).filter(() => before?.document.collection === document.collection);
    const kept = new Map(known.map((passage) => [passage.contentHash, passage.id]));
    const next = passages.map((passage, ordinal) => {
      const id = kept.get(passage.contentHash) ?? ++lastPassage;
      kept.delete(passage.contentHash);
      return { ...passage, ordinal, id };
    });
    const ids = new Set(next.map(({ id }) => id));
    const removed = (before?.passages ?? []).map(({ id }) => id).filter((id) => !ids.has(id));
    const { text: _, contentHash, ...attributes } = document;
    const now = Date.now();
    const times = { createTimeMs: before?.document.createTimeMs ?? now, updateTimeMs: now };
    const collections = [document.collection, ...(before ? [before.document.collection] : [])];
    const seq = leave(tenant, document.id, removed, collections);
    entries.set(keyOf(tenant, document.id), {
      row: before?.row ?? ++lastRow,
      tenant,
      seq,
      contentHash,
      document: { ...attributes, ...times, version: version + 1 },
      passages: next,
    });
    return { outcome: version === 0 ? "created" : "replaced", version: version + 1 } as const;
  };

  const records: RecordStore = {
    putDocuments: async (tenant, documents, { signal }) => {
      signal.throwIfAborted();
      const results = documents.map((document) => put(tenant, document));
      const collections = [...new Set(documents.map(({ document }) => document.collection))];
      return { results, collections: collections.map((name) => stateOf(tenant, name)) };
    },
    versions: async () => new Map(),
    listDocuments: async (tenant, { filter, afterId, limit }) => {
      const matches = filter === undefined ? () => true : compileFilter(filter);
      const after = of(tenant).filter(
        ({ document }) => matches(document) && (afterId === undefined || compareCodePoints(document.id, afterId) > 0),
      );
      const documents = after.slice(0, limit).map(({ document, contentHash, passages }) => ({
        document: { ...document, contentHash, passageCount: passages.length, vectorCount: 0 },
        text: undefined,
      }));
      return { documents, nextAfterId: after.length > limit ? documents.at(-1)?.document.id : undefined };
    },
    countDocuments: async (tenant, { facet, prefix, filter, after, limit }) => {
      const matches = filter === undefined ? () => true : compileFilter(filter);
      const found = of(tenant).filter(({ document }) => matches(document));
      const values = found.flatMap(({ document }) => facetValues(facet, document));
      const counts = [
        ...Map.groupBy(
          values.filter((value) => hasPrefix(facet, value, prefix)),
          (value) => value,
        ),
      ]
        .map(([value, { length: documentCount }]) => ({ value, documentCount }))
        .filter((count) => after === undefined || compareCounts(after, count) < 0)
        .sort(compareCounts);
      return { counts: counts.slice(0, limit), next: counts.length > limit ? counts[limit - 1] : undefined };
    },
    deleteDocuments: async (tenant, ids) => {
      let count = 0;
      for (const id of ids) {
        const entry = entries.get(keyOf(tenant, id));
        if (entry === undefined) continue;
        entries.delete(keyOf(tenant, id));
        leave(
          tenant,
          id,
          entry.passages.map((passage) => passage.id),
          [entry.document.collection],
        );
        count += 1;
      }
      return count;
    },
    collections: async (tenant) => {
      const found = new Map<string, Collection>();
      for (const { document, passages } of of(tenant)) {
        const name = document.collection;
        const { documentCount, passageCount } = found.get(name) ?? { documentCount: 0, passageCount: 0 };
        found.set(name, {
          state: stateOf(tenant, name),
          documentCount: documentCount + 1,
          passageCount: passageCount + passages.length,
          active: undefined,
          building: undefined,
        });
      }
      return [...found.values()].sort((a, b) => compareCodePoints(a.state.collection, b.state.collection));
    },
    passages: async (tenant, ids) =>
      new Map(
        of(tenant).flatMap(({ document, passages }) =>
          passages
            .filter(({ id }) => ids.includes(id))
            .map((passage) => [passage.id, { ...passage, document }] as const),
        ),
      ),
  };

  const complete = (taken: readonly Waiting[]) => {
    waiting = waiting.filter((change) => !taken.includes(change));
    for (const { tenant, collections } of taken) {
      for (const collection of collections) {
        const { record } = seqs.get(keyOf(tenant, collection))!;
        const isWaiting = waiting.some((left) => left.tenant === tenant && left.collections.includes(collection));
        if (!isWaiting) seqs.set(keyOf(tenant, collection), { record, projected: record });
      }
    }
  };

  const outbox: Outbox = {
    next: async ({ maxDocuments }, { signal }) => {
      signal.throwIfAborted();
      if (batchEnded !== undefined || indexes.length === 0) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      batchEnded = promise;
      const end = () => {
        batchEnded = undefined;
        resolve();
      };
      const keys = [...new Set(waiting.map((change) => keyOf(change.tenant, change.documentId)))].slice(
        0,
        maxDocuments,
      );
      const taken = waiting.filter((change) => keys.includes(keyOf(change.tenant, change.documentId)));
      const changes = keys.map((key) => {
        const own = taken.filter((change) => keyOf(change.tenant, change.documentId) === key);
        const last = own.at(-1)!;
        return changeOf(
          last.tenant,
          last.documentId,
          last.seq,
          own.flatMap(({ removed }) => removed),
        );
      });
      return {
        indexes,
        changes,
        complete: async () => {
          complete(taken);
          end();
        },
        release: async () => end(),
      };
    },
    documents: async ({ after, maxDocuments }) => {
      const sorted = [...entries.values()].sort((left, right) => left.row - right.row);
      const page = sorted.filter(({ row }) => after === undefined || row > Number(after)).slice(0, maxDocuments);
      const changes = page.map(({ tenant, document, seq }) => changeOf(tenant, document.id, seq, []));
      return { changes, next: page.length === 0 ? undefined : (String(page.at(-1)!.row) as OutboxCursor) };
    },
    documentCount: async () => entries.size,
    indexes: async () => indexes,
    setIndexes: async (names) => {
      while (batchEnded !== undefined) await batchEnded;
      indexes = [...names];
    },
    lag: async () => ({
      waitingCount: waiting.length,
      oldestAgeMs: waiting.length === 0 ? 0 : performance.now() - waiting[0]!.since,
    }),
  };

  const lease: RebuildLease = {
    tryRun: async (work, { signal }) => {
      if (isBuilding) return undefined;
      isBuilding = true;
      try {
        return { result: await work(signal) };
      } finally {
        isBuilding = false;
      }
    },
  };

  return { records, outbox, lease };
}
