import { type DocumentService, PutWait } from "@quartet/contracts/gateway/v1/document_service";
import type { PutDocumentsResponse as Recorded } from "@quartet/contracts/retrieval/v1/document_service";
import { type Document, PutOutcome } from "@quartet/contracts/type/v1/document";
import { type Handler, principalOf } from "@quartet/rpc";
import { list } from "../convert.ts";
import { type PutChange, type SearchablePorts, waitUntilSearchable } from "../domain/searchable.ts";
import type { Call } from "../domain/stages.ts";
import type { Admission } from "./admission.ts";
import { beginCall, MARGIN_MS, timeLeftMs } from "./begin-run.ts";

/** The collection of documents that name none. */
const DEFAULT_COLLECTION = "default";

/** Records documents; vectors follow from the worker, or before the answer where the caller waits for them. */
export function createPutDocuments({
  admission,
  put,
  searchableOf,
  changed,
}: {
  readonly admission: Admission;
  readonly put: (documents: Document[], call: Call) => Promise<Recorded>;
  /** What waiting for vectors and keywords takes, for one tenant. */
  readonly searchableOf: (tenant: string) => SearchablePorts;
  /** Told of the tenant that has something new to index. */
  readonly changed: (tenant: string) => void;
}): Handler<typeof DocumentService.method.putDocuments> {
  return admission.unary(async ({ documents, wait }, context) => {
    const recorded = await put(documents, beginCall(context));
    const { tenant } = principalOf(context);
    changed(tenant);
    const { results } = recorded;
    if (wait !== PutWait.SEARCHABLE) return { results };
    const left = new AbortController();
    const timer = setTimeout(() => left.abort(), Math.max(0, timeLeftMs(context) - MARGIN_MS));
    const signal = AbortSignal.any([context.signal, left.signal]);
    try {
      const degradations = await waitUntilSearchable(changesOf(documents, recorded), searchableOf(tenant), signal);
      return { results, degradations: list(degradations) };
    } finally {
      clearTimeout(timer);
    }
  });
}

/** What was stored, by collection. An unchanged document counts: its vectors may still be missing. */
function changesOf(documents: readonly Document[], { results, collections }: Recorded): readonly PutChange[] {
  const stored = documents.filter((_, index) => results[index]?.outcome !== PutOutcome.FAILED);
  const byCollection = Map.groupBy(stored, ({ collection }) => collection || DEFAULT_COLLECTION);
  return [...byCollection].map(([collection, ofIt]) => ({
    collection,
    recordSeq: collections.find((state) => state.collection === collection)?.recordSeq ?? 0n,
    documentIds: ofIt.map(({ id }) => id),
  }));
}
