import type { DescMethod } from "@bufbuild/protobuf";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import type { Role } from "../domain/access/access-token.ts";

const read: readonly DescMethod[] = [
  AnswerService.method.answerQuestion,
  AnswerService.method.streamAnswerQuestion,
  SearchService.method.searchPassages,
  SearchService.method.streamSearchPassages,
  DocumentService.method.getDocument,
  DocumentService.method.listDocuments,
  DocumentService.method.countDocuments,
  DocumentService.method.listCollections,
];

const write: readonly DescMethod[] = [
  DocumentService.method.putDocuments,
  DocumentService.method.deleteDocuments,
  DocumentService.method.putGraph,
  DocumentService.method.deleteEntities,
];

const needed: ReadonlyMap<DescMethod, Role> = new Map([
  ...read.map((method) => [method, "read"] as const),
  ...write.map((method) => [method, "write"] as const),
]);

/** The role that a call needs: of everything that is neither asking nor changing documents, admin. */
export const requiredRole = (method: DescMethod): Role => needed.get(method) ?? "admin";
