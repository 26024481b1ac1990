import { createGiveWay } from "@quartet/turns";
import type { CollectionState } from "./collection.ts";
import { cutText } from "./cut-text.ts";
import type { CutDocument, CutPassage, NewDocument } from "./document.ts";
import { DocumentError, type GivenDocument, toNewDocument } from "./new-document.ts";
import type { CallOptions, PutResult } from "./record-store.ts";
import type { Stores } from "./stores.ts";

/** What became of one document of several. */
export type PutOutcomeOfOne = { readonly documentId: string } & (
  | PutResult
  /** It breaks a rule; nothing of it is stored, and an earlier version stands. */
  | { readonly outcome: "refused"; readonly version: number; readonly field: string; readonly message: string }
);

/** Checks, cuts and stores documents, each on its own: one that is refused or fails does not stop the others. Results are in order. */
export async function putDocuments(
  { records }: Stores,
  tenant: string,
  given: readonly GivenDocument[],
  options: CallOptions,
): Promise<{ readonly results: readonly PutOutcomeOfOne[]; readonly collections: readonly CollectionState[] }> {
  const checked = await checkAll(given, options.signal);
  const ids = checked.map((document) => document.id);
  const stored = await records.versions(tenant, ids, options);
  const changed: CutDocument[] = [];
  const giveWay = createGiveWay();
  for (const document of checked) {
    if (!("text" in document) || stored.get(document.id)?.contentHash === document.contentHash) continue;
    const passages: CutPassage[] = [];
    for (const passage of cutText(document)) {
      passages.push(passage);
      await giveWay(options.signal);
    }
    changed.push({ document, passages });
    await giveWay(options.signal);
  }
  const nothing = { results: [], collections: [] };
  const written = changed.length === 0 ? nothing : await records.putDocuments(tenant, changed, options);
  const resultById = new Map(changed.map(({ document }, index) => [document.id, written.results[index]!]));
  const results = checked.map((document): PutOutcomeOfOne => {
    const { id: documentId } = document;
    const version = stored.get(documentId)?.version ?? 0;
    if (!("text" in document)) return { documentId, outcome: "refused", version, ...document.refusal };
    return { documentId, ...(resultById.get(documentId) ?? { outcome: "unchanged", version }) };
  });
  return { results, collections: written.collections };
}

interface Refused {
  readonly id: string;
  readonly refusal: { readonly field: string; readonly message: string };
}

async function checkAll(given: readonly GivenDocument[], signal: AbortSignal): Promise<(NewDocument | Refused)[]> {
  const giveWay = createGiveWay();
  const seen = new Set<string>();
  const checked: (NewDocument | Refused)[] = [];
  for (const each of given) {
    checked.push(check(each, seen));
    await giveWay(signal);
  }
  return checked;
}

function check(given: GivenDocument, seen: Set<string>): NewDocument | Refused {
  try {
    const document = toNewDocument(given);
    if (seen.has(document.id)) throw new DocumentError("id", "another document of this request has the same ID");
    seen.add(document.id);
    return document;
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    const id = given.id.toWellFormed().normalize("NFC");
    return { id, refusal: { field: error.field, message: error.message } };
  }
}
