import type { Transport } from "@connectrpc/connect";
import {
  type CountDocumentsRequest,
  DocumentService,
  type ListDocumentsRequest,
  type PutDocumentsResponse,
  type PutGraphResponse,
} from "@quartet/contracts/retrieval/v1/document_service";
import { type AdviseIndexesResponse, IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import type { Collection } from "@quartet/contracts/type/v1/collection";
import type { Document, DocumentCount, DocumentView } from "@quartet/contracts/type/v1/document";
import type { Graph } from "@quartet/contracts/type/v1/graph";
import type { EmbeddingSpace, Vector } from "@quartet/contracts/type/v1/vector";
import { createClient } from "@quartet/rpc";
import { list, type Wire } from "../convert.ts";
import type { Content } from "../domain/indexing/ports.ts";
import type { SearchPorts } from "../domain/ports.ts";
import type { Call } from "../domain/stages.ts";
import type { Hop } from "./hop.ts";

export type SearchHop = Pick<SearchPorts<Wire>, "search">;

/** Finds passages. */
export function createSearchHop(transport: Transport, hop: Hop): SearchHop {
  const client = createClient(RetrievalService, transport);
  return {
    search({ query, pageSize, pageToken, options: search, vector }, call) {
      const request = {
        query,
        pageSize,
        pageToken,
        ...(search && { options: search }),
        ...(vector && { queryVector: vector.vector, spaceId: vector.spaceId }),
      };
      return hop.unary(call, (options) => client.searchPassages(request, options));
    },
  };
}

type Fields<T> = Omit<T, "$typeName" | "$unknown">;

export interface RecordHop {
  put(documents: Document[], call: Call): Promise<PutDocumentsResponse>;
  find(documentId: string, view: DocumentView, call: Call): Promise<Document | undefined>;
  listPage(
    request: Fields<ListDocumentsRequest>,
    call: Call,
  ): Promise<{ documents: Document[]; nextPageToken: string }>;
  countPage(
    request: Fields<CountDocumentsRequest>,
    call: Call,
  ): Promise<{ counts: DocumentCount[]; nextPageToken: string }>;
  deleteAll(documentIds: string[], call: Call): Promise<number>;
  putGraph(graph: Graph, call: Call): Promise<PutGraphResponse>;
  deleteEntities(entityIds: string[], call: Call): Promise<number>;
}

/** Keeps the record. */
export function createRecordHop(transport: Transport, hop: Hop): RecordHop {
  const client = createClient(DocumentService, transport);
  const listPage: RecordHop["listPage"] = ({ pageSize, pageToken, filter, view }, call) => {
    const request = { pageSize, pageToken, view, ...(filter && { filter }) };
    return hop.unary(call, (options) => client.listDocuments(request, options));
  };
  return {
    listPage,
    put: (documents, call) => hop.unary(call, (options) => client.putDocuments({ documents }, options)),
    async find(documentId, view, call) {
      const value = { kind: { case: "stringValue", value: documentId } } as const;
      const filter = { condition: { case: "equals", value: { field: "document_id", value } } } as const;
      const request = { pageSize: 1, view, filter };
      const { documents } = await hop.unary(call, (options) => client.listDocuments(request, options));
      return documents[0];
    },
    countPage: ({ facet, prefix, filter, pageSize, pageToken }, call) => {
      const request = { facet, prefix, pageSize, pageToken, ...(filter && { filter }) };
      return hop.unary(call, (options) => client.countDocuments(request, options));
    },
    async deleteAll(documentIds, call) {
      return (await hop.unary(call, (options) => client.deleteDocuments({ documentIds }, options))).deletedCount;
    },
    putGraph: (graph, call) => hop.unary(call, (options) => client.putGraph({ graph }, options)),
    async deleteEntities(entityIds, call) {
      return (await hop.unary(call, (options) => client.deleteEntities({ entityIds }, options))).deletedCount;
    },
  };
}

export interface IndexHop {
  listCollections(
    request: { readonly pageSize: number; readonly pageToken: string },
    call: Call,
  ): Promise<{ collections: Collection[]; nextPageToken: string }>;
  missing(
    request: {
      readonly collection: string;
      readonly spaceId: string;
      readonly documentIds: readonly string[];
      readonly pageSize: number;
      readonly pageToken: string;
    },
    call: Call,
  ): Promise<{ readonly contents: readonly Content[]; readonly nextPageToken: string }>;
  store(
    request: {
      readonly collection: string;
      readonly space: EmbeddingSpace;
      readonly vectors: readonly { readonly contentHash: string; readonly vector: Vector }[];
    },
    call: Call,
  ): Promise<number>;
  refuse(
    request: {
      readonly collection: string;
      readonly space: EmbeddingSpace;
      readonly contentHashes: readonly string[];
    },
    call: Call,
  ): Promise<number>;
  /** How many passages are no longer refused. */
  retryRefused(request: { readonly collection: string }, call: Call): Promise<bigint>;
  activate(request: { readonly collection: string; readonly spaceId: string }, call: Call): Promise<void>;
  /** What makes statements of the database faster. */
  advise(request: { readonly statementCount: number }, call: Call): Promise<AdviseIndexesResponse>;
  /** How far the rebuilding of the keyword index has come, until it is done. */
  rebuild(call: Call): AsyncIterable<{ readonly doneCount: bigint; readonly totalCount: bigint }>;
}

/** A rebuild tells how far it has come about each second; where a page of documents is large or a store is busy, later. */
const REBUILD_CLOCKS = { firstMs: 60_000, idleMs: 120_000 };

/** Makes the record searchable. */
export function createIndexHop(transport: Transport, hop: Hop): IndexHop {
  const client = createClient(IndexService, transport);
  return {
    listCollections: (request, call) => hop.unary(call, (options) => client.listCollections(request, options)),
    missing: ({ documentIds, ...rest }, call) => {
      const request = { ...rest, documentIds: list(documentIds) };
      return hop.unary(call, (options) => client.listPassagesWithoutVector(request, options));
    },
    async store({ collection, space, vectors }, call) {
      const request = { collection, space, vectors: list(vectors) };
      return (await hop.unary(call, (options) => client.putVectors(request, options))).storedCount;
    },
    async refuse({ collection, space, contentHashes }, call) {
      const request = { collection, space, refusedContentHashes: list(contentHashes) };
      return (await hop.unary(call, (options) => client.putVectors(request, options))).refusedCount;
    },
    async retryRefused(request, call) {
      return (await hop.unary(call, (options) => client.retryRefusedPassages(request, options))).passageCount;
    },
    async activate(request, call) {
      await hop.unary(call, (options) => client.activateSpace(request, options));
    },
    advise: (request, call) => hop.unary(call, (options) => client.adviseIndexes(request, options)),
    rebuild: (call) => hop.stream(call, REBUILD_CLOCKS, (options) => client.rebuildIndex({}, options)),
  };
}
