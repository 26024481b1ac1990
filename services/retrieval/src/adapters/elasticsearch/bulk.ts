import type { DocumentChange } from "../../domain/outbox.ts";
import type { RefusedPassage } from "../../domain/projection.ts";
import { createPassageEncoder } from "./passage-document.ts";

/** One passage to be written or deleted, as Elasticsearch takes it. */
export interface Operation {
  readonly action: "index" | "delete";
  readonly tenant: string;
  readonly documentId: string;
  readonly passageId: number;
  readonly seq: number;
  /** A line for the action, and one for the passage where there is one. */
  readonly lines: readonly string[];
  readonly bytes: number;
}

/**
 * At most this many bytes go in one request; an operation that has more goes alone. Elasticsearch refuses above 100 MB; what is as small as this
 * is done in time by a server that is busy with other things, too.
 */
const maxRequestBytes = 2 * 1024 ** 2;
const maxRequestOperations = 500;

/**
 * The operations of a change: every passage there is with the change's number as its version, and the removal of those that are not any longer.
 * Elasticsearch leaves what has the same or a greater version as it is, so that order and repetition do not matter.
 */
export function operationsOf({ tenant, documentId, seq, current, removedPassageIds }: DocumentChange): Operation[] {
  const operation = (action: Operation["action"], passageId: number, source?: object): Operation => {
    const head = JSON.stringify({ [action]: { _id: String(passageId), version: seq, version_type: "external" } });
    const lines = source === undefined ? [head] : [head, JSON.stringify(source)];
    const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    return { action, tenant, documentId, passageId, seq, lines, bytes };
  };
  const removed = removedPassageIds.map((passageId) => operation("delete", passageId));
  if (current === undefined) return removed;
  const encode = createPassageEncoder(tenant, current.document);
  return [...removed, ...current.passages.map((passage) => operation("index", passage.id, encode(passage)))];
}

/** The removal of a passage that was refused, so that it is not found as it was before either. */
export function removalOf({ tenant, documentId, passageId, seq }: Operation): Operation {
  const change = { tenant, documentId, seq, current: undefined, removedPassageIds: [passageId] };
  return operationsOf(change)[0]!;
}

/** Requests of bounded size, in order. */
export function* requestsOf(operations: Iterable<Operation>): Generator<Operation[]> {
  let request: Operation[] = [];
  let bytes = 0;
  for (const operation of operations) {
    const isFull = request.length >= maxRequestOperations || bytes + operation.bytes > maxRequestBytes;
    if (isFull && request.length > 0) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(operation);
    bytes += operation.bytes;
  }
  if (request.length > 0) yield request;
}

/** What Elasticsearch says of one operation. */
export interface ItemAnswer {
  readonly status: number;
  /** Its name for the error, where there is one. */
  readonly type: string | undefined;
}

/**
 * What is to be done about an operation:
 * - `done`: it is in the index, or something newer is;
 * - `again`: the engine asks for less;
 * - `refused`: no other attempt will ever be taken;
 * - `missing`: there is no such index;
 * - `failed`: anything else, which may pass.
 */
export type ItemVerdict = "done" | "again" | "refused" | "missing" | "failed";

/** Errors of the passage itself. A field that the mapping lacks is none: it is the index that is of another version. */
const refusals = new Set([
  "document_parsing_exception",
  "mapper_parsing_exception",
  "illegal_argument_exception",
  "max_bytes_length_exceeded_exception",
]);

export function judge({ action }: Operation, { status, type }: ItemAnswer): ItemVerdict {
  if (status >= 200 && status < 300) return "done";
  if (status === 409 && type === "version_conflict_engine_exception") return "done";
  if (status === 404) return type === undefined && action === "delete" ? "done" : "missing";
  if (status === 429) return "again";
  return action === "index" && status === 400 && type !== undefined && refusals.has(type) ? "refused" : "failed";
}

export function refusedPassage({ tenant, documentId, passageId }: Operation, reason: string): RefusedPassage {
  return { tenant, documentId, passageId, reason };
}
