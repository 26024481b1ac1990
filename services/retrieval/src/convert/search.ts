import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  SearchPassagesRequest,
  SearchPassagesResponseSchema,
} from "@quartet/contracts/retrieval/v1/retrieval_service";
import type { DegradationSchema } from "@quartet/contracts/type/v1/outcome";
import type { PassageSchema } from "@quartet/contracts/type/v1/passage";
import {
  CacheUse,
  Execution,
  Fusion,
  LegKind,
  type LegReportSchema,
  LegStatus,
  SourceKind,
  type SourceReportSchema,
} from "@quartet/contracts/type/v1/search";
import { fieldInvalid } from "@quartet/errors";
import { toDuration } from "@quartet/rpc";
import { nfc } from "@quartet/text";
import { allTags, both } from "../domain/filter.ts";
import type { FusionMethod } from "../domain/fusion.ts";
import type { LegReason, LegReport } from "../domain/leg.ts";
import { searchDefaults, type FoundPassage, type SearchRequest, type SearchResult } from "../domain/search-request.ts";
import type { SourceReport } from "../domain/source.ts";
import { fromVectorMessage, toStateMessage } from "./collection.ts";
import { toMetadataMessage } from "./document.ts";
import { toFilter } from "./filter.ts";
import { pageSizeOf } from "./page-size.ts";

const fusions: Readonly<Record<Fusion, FusionMethod>> = {
  [Fusion.UNSPECIFIED]: "convex",
  [Fusion.CONVEX]: "convex",
  [Fusion.RRF]: "rrf",
  [Fusion.KEYWORD_ONLY]: "keyword-only",
  [Fusion.VECTOR_ONLY]: "vector-only",
};

const cacheUses: Readonly<Record<CacheUse, SearchRequest["cacheUse"]>> = {
  [CacheUse.UNSPECIFIED]: "read-write",
  [CacheUse.READ_WRITE]: "read-write",
  [CacheUse.BYPASS]: "bypass",
  [CacheUse.REFRESH]: "refresh",
};

/** Completes a request with the defaults. Throws INVALID_ARGUMENT naming the field. */
export function toSearchRequest(message: SearchPassagesRequest): SearchRequest {
  const { options, queryVector, spaceId } = message;
  if (!message.query.isWellFormed()) throw fieldInvalid("query", "the text holds half a surrogate pair");
  const value = queryVector === undefined ? undefined : fromVectorMessage(queryVector, "query_vector");
  return {
    query: nfc(message.query),
    vector: value === undefined ? undefined : { value, spaceId },
    filter: both(
      toFilter(options?.filter, "options.filter"),
      allTags([...new Set((options?.tags ?? []).map(nfc))].sort()),
    ),
    sources: options?.sources ?? [],
    pageSize: pageSizeOf(message.pageSize, { standard: searchDefaults.pageSize, most: 100 }),
    keywordLimit: options?.bm25TopK || searchDefaults.keywordLimit,
    vectorLimit: options?.vectorTopK || searchDefaults.vectorLimit,
    candidateLimit: options?.rerankCandidateCount || searchDefaults.candidateLimit,
    // The contract's rules let no other value through.
    fusion: fusions[options?.fusion ?? Fusion.UNSPECIFIED] ?? "convex",
    vectorWeight: options?.vectorWeight,
    execution: options?.execution === Execution.SEQUENTIAL ? "sequential" : "parallel",
    cacheUse: cacheUses[options?.cacheUse ?? CacheUse.UNSPECIFIED] ?? "read-write",
  };
}

export function toSearchResponse(
  { passages, legs, sources, withoutRecord, notReranked, collections, cached }: SearchResult,
  nextPage: { readonly token: string; readonly isLost?: boolean },
  { includeMetadata, elapsedMs }: { readonly includeMetadata: boolean; readonly elapsedMs: number },
): MessageInitShape<typeof SearchPassagesResponseSchema> {
  return {
    passages: passages.map((passage) => toPassageMessage(passage, includeMetadata)),
    failures: [
      ...legs.flatMap(toDegradation),
      ...(withoutRecord ? [staleRecord] : []),
      ...(notReranked ? [fusionOrder] : []),
      ...(nextPage.isLost === true ? [noFurtherPages] : []),
    ],
    nextPageToken: nextPage.token,
    legs: legs.map(toLegReport),
    sources: sources.map(toSourceReport),
    collections: collections.map(toStateMessage),
    cached,
    elapsed: toDuration(elapsedMs),
  };
}

const legKinds = { keyword: LegKind.KEYWORD, vector: LegKind.VECTOR, graph: LegKind.GRAPH } as const;
const sourceKinds = {
  hybrid: SourceKind.HYBRID,
  keyword: SourceKind.KEYWORD,
  vector: SourceKind.VECTOR,
  graph: SourceKind.GRAPH,
} as const;
const legStatuses = {
  ok: LegStatus.OK,
  partial: LegStatus.PARTIAL,
  failed: LegStatus.FAILED,
  skipped: LegStatus.SKIPPED,
} as const;

function toPassageMessage(passage: FoundPassage, includeMetadata: boolean): MessageInitShape<typeof PassageSchema> {
  const { ordinal, text, score, startOffset, endOffset, ranks, document } = passage;
  return {
    documentId: document.id,
    ordinal,
    text,
    score,
    title: document.title,
    startOffset,
    endOffset,
    uri: document.uri,
    collection: document.collection,
    tags: [...document.tags],
    taxonomyPath: document.taxonomyPath,
    ...(includeMetadata ? { metadata: toMetadataMessage(document.metadata) } : {}),
    hits: ranks.map(({ source, leg, rank, rawScore, path = [] }) => {
      return { source, leg: legKinds[leg], rank, rawScore, path: [...path] };
    }),
    documentVersion: BigInt(document.version),
    documentCreateTime: timestampFromMs(document.createTimeMs),
    documentUpdateTime: timestampFromMs(document.updateTimeMs),
  };
}

function toLegReport(report: LegReport): MessageInitShape<typeof LegReportSchema> {
  const { source, leg, status, reason, elapsedMs, hitCount } = report;
  return {
    source,
    leg: legKinds[leg],
    status: legStatuses[status],
    reason: reason ?? "",
    elapsed: toDuration(elapsedMs),
    passageCount: hitCount,
  };
}

function toSourceReport(report: SourceReport): MessageInitShape<typeof SourceReportSchema> {
  const { source, kind, status, reason, elapsedMs, passageCount, weight } = report;
  return {
    source,
    kind: sourceKinds[kind],
    status: legStatuses[status],
    reason: reason ?? "",
    elapsed: toDuration(elapsedMs),
    passageCount,
    weight,
  };
}

/** A collection that is not there is no failure: the reports say so, and nothing that exists is missing from the answer. */
function toDegradation({ source, leg, reason }: LegReport): MessageInitShape<typeof DegradationSchema>[] {
  if (reason === undefined || reason === "COLLECTION_MISSING") return [];
  return [{ hop: `retrieval.${leg}`, reason, source, message: sentences[reason] }];
}

const fusionOrder = {
  hop: "retrieval.rerank",
  reason: "NOT_RERANKED",
  message:
    "The passages could not be reranked in time and stand as they were found; if it goes on, look at the retrieval service's log.",
};

const noFurtherPages = {
  hop: "retrieval.record",
  reason: "UPSTREAM_FAILED",
  message:
    "There are further pages, and no token for them, because the record could not be asked for the key that signs it; search again shortly.",
};

const staleRecord = {
  hop: "retrieval.record",
  reason: "MAY_BE_STALE",
  message:
    "The record could not be asked, so passages are those that the keyword index keeps: recent changes may be missing, and deleted documents still there.",
};

const sentences: Readonly<Record<Exclude<LegReason, "COLLECTION_MISSING">, string>> = {
  NOT_ENABLED: "This server has no graph, so the source was left out.",
  NO_QUERY_VECTOR: "The question had no vector, so passages were found by their words alone.",
  EMBEDDING_SPACE_MISMATCH:
    "The question's vector is of another embedder than some passages', which were found by their words alone; index them with today's embedder.",
  VECTORS_PENDING:
    "Some passages have no vector yet and were found by their words alone; this passes as indexing goes on.",
  OUT_OF_TIME: "One way of searching was out of time and was left out; try again with a longer deadline.",
  UPSTREAM_FAILED: "One way of searching failed and was left out; if it goes on, look at the retrieval service's log.",
  CIRCUIT_OPEN:
    "One way of searching failed repeatedly and is left alone to recover; if it goes on, look at its store and at the retrieval service's log.",
  OVERLOADED: "One way of searching was at its limit and was left out; try again shortly.",
  PARTIAL_SHARDS:
    "A part of the keyword index did not answer, so some passages may be missing; if it goes on, look at Elasticsearch.",
  MAY_BE_STALE:
    "The keyword index lags behind the record, so recent changes may be missing; this passes as it catches up.",
};
