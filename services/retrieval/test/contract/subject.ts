import type { CutDocument, Metadata } from "../../src/domain/document.ts";
import { cutText } from "../../src/domain/cut-text.ts";
import { toNewDocument } from "../../src/domain/new-document.ts";
import type { Stores } from "../../src/domain/stores.ts";

/** A set of adapters under test. Every suite in this folder runs against each. */
export interface Subject {
  readonly stores: Stores;
  /** Closes and opens again what keeps data, and gives the ports anew. */
  reopen(): Promise<Stores>;
  close(): Promise<void>;
}

export type OpenSubject = () => Promise<Subject>;

export const never: { readonly signal: AbortSignal } = { signal: new AbortController().signal };

export interface DocumentFields {
  readonly title?: string;
  readonly text?: string;
  readonly collection?: string;
  readonly tags?: readonly string[];
  readonly taxonomyPath?: string;
  readonly metadata?: Metadata;
  readonly mediaType?: string;
}

/** A document as the service hands it to the record. */
export function cutDocument(id: string, fields: DocumentFields = {}): CutDocument {
  const defaults = { title: "", text: `본문 ${id}`, mediaType: "", collection: "", tags: [], taxonomyPath: "" };
  const document = toNewDocument({ id, language: "", uri: "", metadata: {}, ...defaults, ...fields });
  return { document, passages: [...cutText(document)] };
}

export async function put(stores: Stores, tenant: string, ...documents: readonly CutDocument[]) {
  return stores.records.putDocuments(tenant, documents, never);
}

/** The documents that a keyword search finds, best first. */
export async function findByWords(stores: Stores, tenant: string, text: string): Promise<string[]> {
  const names = (await stores.records.collections(tenant, never)).map(({ state }) => state.collection);
  const query = { text, collections: names, filter: undefined, limit: 100 };
  const { hits } = await stores.keywords.search(tenant, query, never);
  return hits.map(({ documentId }) => documentId);
}
