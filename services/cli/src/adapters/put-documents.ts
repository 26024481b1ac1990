import { durationMs } from "@bufbuild/protobuf/wkt";
import { type Document, type PutDocumentResult, PutOutcome, type QuartetClient } from "@quartet/client";
import { delayAskedBy, maxAttempts, waitAsAsked } from "./patiently.ts";

/** The deadline of one put: a full batch on a busy machine, with room. */
const putTimeoutMs = 120_000;

/**
 * Puts one batch. Where the server asks to wait, the whole batch or the documents concerned are put again after that long: putting is
 * idempotent. At most 6 attempts, and never a wait of more than 60 s.
 *
 * @returns one result per document, in no certain order
 * @throws {QuartetError} when the batch as a whole was refused or there is no server
 */
export async function putDocuments(
  client: QuartetClient,
  documents: readonly Document[],
  signal: AbortSignal,
): Promise<PutDocumentResult[]> {
  const results: PutDocumentResult[] = [];
  let open = documents;
  for (let attempt = 1; ; attempt++) {
    const { settled, delayed, delayMs } = await attemptPut(client, open, signal, attempt === maxAttempts);
    results.push(...settled);
    if (delayed.length === 0) return results;
    open = delayed;
    await waitAsAsked(delayMs, signal);
  }
}

interface Attempt {
  readonly settled: readonly PutDocumentResult[];
  readonly delayed: readonly Document[];
  readonly delayMs: number;
}

async function attemptPut(
  client: QuartetClient,
  documents: readonly Document[],
  signal: AbortSignal,
  isLast: boolean,
): Promise<Attempt> {
  try {
    const request = { documents: [...documents] };
    const { results } = await client.documents.putDocuments(request, { signal, timeoutMs: putTimeoutMs });
    const again = (result: PutDocumentResult) => !isLast && delayOf(result) !== undefined;
    const waiting = new Map(results.filter(again).map((result) => [result.documentId, delayOf(result) ?? 0]));
    return {
      settled: results.filter((result) => !waiting.has(result.documentId)),
      delayed: documents.filter(({ id }) => waiting.has(id)),
      delayMs: Math.max(0, ...waiting.values()),
    };
  } catch (error) {
    const delayMs = delayAskedBy(error);
    if (delayMs === undefined || isLast) throw error;
    return { settled: [], delayed: documents, delayMs };
  }
}

function delayOf({ outcome, failure }: PutDocumentResult): number | undefined {
  if (outcome !== PutOutcome.FAILED || failure?.retryDelay === undefined) return undefined;
  return durationMs(failure.retryDelay);
}
