import { createHash } from "node:crypto";
import { createCache, keyPattern } from "@quartet/cache";
import type { CacheFigures, CacheSelection } from "@quartet/rpc";
import type { Collection } from "../../domain/collection.ts";
import type { CountPage } from "../../domain/document-counts.ts";
import type { Filter } from "../../domain/filter.ts";
import { canMatchCollection, requiredDocumentIds } from "../../domain/filter-scope.ts";
import type { CallOptions, DocumentPage, DocumentQuery, RecordStore } from "../../domain/record-store.ts";
import { createStatements, type StatementState } from "./statements.ts";

export interface DocumentCacheOptions {
  /** Read at each call: stores are opened after handlers are made. */
  readonly stores: { readonly records: RecordStore };
  readonly maxEntries: number;
  /** In memory, about. */
  readonly maxBytes: number;
  /** Default: 30 minutes. */
  readonly ttlMs?: number;
}

type CachedRecords = Pick<RecordStore, "listDocuments" | "countDocuments">;

/** What the record was asked about documents, kept in memory for as long as it is true. */
export interface DocumentCache {
  readonly records: CachedRecords;
  figures(): CacheFigures;
  /** As in ServiceModule. */
  invalidate(selection: Pick<CacheSelection, "tenant" | "keyPattern">): number;
}

/**
 * Answers of statements that go through many documents: counts, and lists by a filter. What the record finds by a key costs no more than to ask
 * whether it has changed, and is not kept.
 *
 * An answer is kept under the state of the collections that the statement can find anything in, as the record told it before it was asked. A
 * document changes together with the state of its collection, and no state comes back: so no answer is given once it is not true any more, in
 * whatever process the change was made. Those of states that are gone are dropped when a newer one is seen.
 */
export function createDocumentCache({
  stores,
  maxEntries,
  maxBytes,
  ttlMs = 30 * 60_000,
}: DocumentCacheOptions): DocumentCache {
  const statements = createStatements({ drop: (name) => cache.delete(name) });
  const cache = createCache<string, Kept>({
    maxEntries,
    maxBytes,
    sizeOf: ({ bytes }) => bytes,
    ttlMs,
    onRemoved: (name) => statements.forget(name),
  });

  const cached = async <Answer extends CountPage | DocumentPage>(
    { tenant, kind, query }: { tenant: string; kind: string; query: { readonly filter: Filter | undefined } },
    options: CallOptions,
    ask: (options: CallOptions) => Promise<Answer>,
  ): Promise<Answer> => {
    const collections = await stores.records.collections(tenant, options);
    statements.saw(tenant, collections);
    const asked = collections.filter(({ state }) => canMatchCollection(query.filter, state.collection));
    const statement = { tenant, collections: asked };
    const name = nameOf(statement, kind, query);
    const { signal } = options;
    const kept = await cache.getOrLoad(
      name,
      async (loading) => {
        // Without the limit of whoever asked first: others may have more time, and the signal ends it when the last has left.
        const answer = await ask({ signal: loading });
        return { answer, bytes: bytesOf(answer) };
      },
      { signal },
    );
    if (cache.has(name)) statements.add(name, statement);
    return kept.answer as Answer;
  };

  return {
    records: {
      listDocuments: (tenant, query, options) => {
        const ask = (each: CallOptions) => stores.records.listDocuments(tenant, query, each);
        return isScan(query) ? cached({ tenant, kind: "list", query }, options, ask) : ask(options);
      },
      countDocuments: (tenant, query, options) => {
        const ask = (each: CallOptions) => stores.records.countDocuments(tenant, query, each);
        return cached({ tenant, kind: query.facet === "tag" ? "tags" : "taxonomy", query }, options, ask);
      },
    },
    figures() {
      const { loading: _, ...stats } = cache.stats();
      return { level: "documents", ...stats, bypasses: 0 };
    },
    invalidate({ tenant, keyPattern: pattern }) {
      const start = tenantStart(tenant);
      const matches = keyPattern(pattern);
      return cache.deleteWhere((name) => name.startsWith(start) && matches(name.slice(start.length)));
    },
  };
}

interface Kept {
  readonly answer: CountPage | DocumentPage;
  readonly bytes: number;
}

/** Whether documents are gone through to find those of a page. Texts are large, and seldom read twice. */
const isScan = ({ filter, maxTextBytes }: DocumentQuery): boolean =>
  filter !== undefined && maxTextBytes === undefined && requiredDocumentIds(filter) === undefined;

const tenantStart = (tenant: string): string => `${encodeURIComponent(tenant)}:`;

/** Longer, their hash stands for them. */
const maxWhereLength = 512;

/** `TENANT:KIND:COLLECTIONS:HASH`, with the collections as `handbook@12,policies@3`. It holds no text of a user but names of collections. */
function nameOf({ tenant, collections }: StatementState, kind: string, query: object): string {
  const where = collections.map(({ state }) => `${state.collection}@${state.recordSeq}`).join(",");
  // How many passages have a vector is told with a document, and changes without the record.
  const vectors =
    kind === "list" ? collections.map(({ active }: Collection) => [active?.space.id, active?.vectorCount]) : [];
  const rest = hashOf(JSON.stringify([query, vectors]));
  return `${tenantStart(tenant)}${kind}:${where.length <= maxWhereLength ? where : `~${hashOf(where)}`}:${rest}`;
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** What objects take beside their texts, about. */
const bytesPerAnswer = 1_000;
const bytesPerRow = 200;

const bytesOf = (answer: CountPage | DocumentPage): number => {
  const rows = "counts" in answer ? answer.counts : answer.documents;
  return bytesPerAnswer + bytesPerRow * rows.length + 2 * JSON.stringify(rows).length;
};
