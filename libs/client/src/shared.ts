/** What both entry points offer: errors, and the names of the contract a caller writes or reads. */
export { QuartetError } from "./quartet-error.ts";
export type { FieldViolation, QuartetErrorCode, QuartetErrorOptions } from "./quartet-error.ts";
export type { QuartetClient, QuartetClientOptions } from "./quartet-client.ts";
export type { CallHeaders } from "./service-client.ts";

export type {
  AnswerQuestionRequest,
  AnswerQuestionResponse,
  StreamAnswerQuestionRequest,
  StreamAnswerQuestionResponse,
} from "@quartet/contracts/gateway/v1/answer_service";
export type {
  SearchPassagesRequest,
  SearchPassagesResponse,
  StreamSearchPassagesRequest,
  StreamSearchPassagesResponse,
} from "@quartet/contracts/gateway/v1/search_service";
export { Role } from "@quartet/contracts/gateway/v1/access_token_service";
export type { AccessToken } from "@quartet/contracts/gateway/v1/access_token_service";
export { PutWait } from "@quartet/contracts/gateway/v1/document_service";
export type {
  DeleteDocumentsRequest,
  DeleteDocumentsResponse,
  DeleteEntitiesRequest,
  DeleteEntitiesResponse,
  GetDocumentRequest,
  GetDocumentResponse,
  ListCollectionsRequest,
  ListCollectionsResponse,
  ListDocumentsRequest,
  ListDocumentsResponse,
  PutDocumentsRequest,
  PutDocumentsResponse,
  PutGraphRequest,
  PutGraphResponse,
} from "@quartet/contracts/gateway/v1/document_service";
export { AnswererKind, CompressionStrategy, FinishReason } from "@quartet/contracts/type/v1/answer";
export type { Answerer, Citation, ModelOptions, Section, SectionSpec } from "@quartet/contracts/type/v1/answer";
export type { Collection, CollectionState } from "@quartet/contracts/type/v1/collection";
export { DocumentView, PutOutcome } from "@quartet/contracts/type/v1/document";
export type { Document, PutDocumentResult } from "@quartet/contracts/type/v1/document";
export type { Entity, Graph, Mention, Relation } from "@quartet/contracts/type/v1/graph";
export type { Filter } from "@quartet/contracts/type/v1/filter";
export { StageStatus } from "@quartet/contracts/type/v1/outcome";
export type { Degradation, Failure, StageTiming, Timings } from "@quartet/contracts/type/v1/outcome";
export type { Passage, Span } from "@quartet/contracts/type/v1/passage";
export { CacheUse, Execution, Fusion, LegKind, LegStatus, SourceKind } from "@quartet/contracts/type/v1/search";
export type { LegReport, SearchOptions, SourceReport } from "@quartet/contracts/type/v1/search";
export { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
export type {
  CacheStats,
  CountStats,
  InstanceStats,
  KeyStats,
  PoolStats,
  QueueStats,
} from "@quartet/contracts/type/v1/stats";
export type { PlatformStatus } from "@quartet/contracts/type/v1/status";
export type { EmbeddingSpace } from "@quartet/contracts/type/v1/vector";
