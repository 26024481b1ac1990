import { toBinary } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { type Document, type PutDocumentResult, PutOutcome, type QuartetClient } from "@quartet/client";
import { DocumentSchema } from "@quartet/contracts/type/v1/document";
import { putDocuments } from "./adapters/put-documents.ts";
import { toDocument, type ToDocumentOptions } from "./convert.ts";
import { inBatches } from "./domain/batches.ts";
import { forEachConcurrently } from "./domain/concurrently.ts";
import type { Remark, SourceItem } from "./domain/source-document.ts";

/** Puts under way at once: one is stored while the next is read and sent. */
const concurrentPuts = 2;

/** What became of all documents that were read. */
export interface IndexCounts {
  created: number;
  replaced: number;
  unchanged: number;
  /** Documents the server refused. */
  failed: number;
  /** Inputs that are no document the server could take. */
  skipped: number;
}

export interface IndexOptions extends ToDocumentOptions {
  readonly client: QuartetClient;
  readonly items: AsyncIterable<SourceItem>;
  readonly signal: AbortSignal;
  /** Told of everything that is not indexed, and why. */
  readonly onProblem: (problem: Remark) => void;
  /** Told of what is no failure. */
  readonly onNotice: (notice: Remark) => void;
  /** Told after each batch: what became of documents so far, and the bytes of input that are done with. */
  readonly onProgress: (counts: Readonly<IndexCounts>, byteCount: number) => void;
}

interface Pending {
  readonly document: Document;
  readonly byteCount: number;
}

/** Puts all documents in batches. One that is refused does not stop the others; a call that fails as a whole does. */
export async function indexDocuments(options: IndexOptions): Promise<IndexCounts> {
  const { client, signal, onProblem, onProgress } = options;
  const counts: IndexCounts = { created: 0, replaced: 0, unchanged: 0, failed: 0, skipped: 0 };
  let byteCount = 0;
  const batches = inBatches(acceptable(options, counts), ({ document }) => toBinary(DocumentSchema, document).length);
  await forEachConcurrently(batches, concurrentPuts, async (batch) => {
    const documents = batch.map(({ document }) => document);
    for (const result of await putDocuments(client, documents, signal)) count(result, counts, onProblem);
    for (const pending of batch) byteCount += pending.byteCount;
    onProgress(counts, byteCount);
  });
  return counts;
}

/** The documents the contract allows, each ID once; the rest is told, and would have cost its whole batch. */
async function* acceptable(options: IndexOptions, counts: IndexCounts): AsyncGenerator<Pending> {
  const validator = createValidator();
  const seen = new Set<string>();
  const skip = (where: string, message: string) => {
    counts.skipped++;
    options.onProblem({ where, message });
  };
  for await (const item of options.items) {
    if (item.kind === "problem") {
      skip(item.where, item.message);
    } else if (item.kind === "notice") {
      options.onNotice(item);
    } else {
      const document = toDocument(item.document, options);
      const { violations } = validator.validate(DocumentSchema, document);
      if (violations !== undefined) {
        skip(item.where, violations.map((violation) => violation.toString()).join("; "));
      } else if (seen.has(document.id)) {
        skip(item.where, `the ID "${document.id}" was already used in this run; IDs must differ`);
      } else {
        seen.add(document.id);
        yield { document, byteCount: item.byteCount };
      }
    }
  }
}

function count(
  { outcome, documentId, failure }: PutDocumentResult,
  counts: IndexCounts,
  tell: (r: Remark) => void,
): void {
  switch (outcome) {
    case PutOutcome.CREATED:
      counts.created++;
      return;
    case PutOutcome.REPLACED:
      counts.replaced++;
      return;
    case PutOutcome.UNCHANGED:
      counts.unchanged++;
      return;
    default:
      counts.failed++;
      tell({ where: documentId, message: failure?.message ?? "the server did not say what became of it" });
  }
}
