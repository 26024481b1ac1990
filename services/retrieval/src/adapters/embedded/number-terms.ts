import { createGiveWay } from "@quartet/turns";
import type { EmbeddedState } from "./state.ts";
import type { PreparedDocument } from "./write-document.ts";

/** New terms that get their numbers in one transaction: other calls wait some 5 ms. */
const termsPerTransaction = 500;

/**
 * Gives the new terms of documents their numbers in transactions of their own, where there are so many that the documents' transaction would
 * hold up other calls: a megabyte of names or random words has hundreds of thousands. A number without a document does no harm, and is
 * used by the next one with the term. What is left, less than one transaction's worth, is numbered with the documents.
 */
export async function numberNewTerms(
  state: EmbeddedState,
  documents: readonly PreparedDocument[],
  signal: AbortSignal,
): Promise<void> {
  const giveWay = createGiveWay();
  // Terms with the same beginning lie on the same pages of the index, so that each transaction writes few of them.
  const byBeginning = new Map<string, Set<string>>();
  for (const { unknown } of documents.flatMap(({ terms }) => terms)) {
    for (const [term] of unknown) if (!state.termIds.has(term)) addTo(byBeginning, term);
    await giveWay(signal);
  }
  let part: string[] = [];
  for (const beginning of [...byBeginning.keys()].sort()) {
    for (const term of byBeginning.get(beginning)!) {
      part.push(term);
      if (part.length < termsPerTransaction) continue;
      // An error, such as a full disk, comes again with the documents, where it is reported for each.
      if (!tryNumber(state, part)) return;
      part = [];
      await giveWay(signal);
    }
  }
}

function addTo(byBeginning: Map<string, Set<string>>, term: string): void {
  const beginning = term.charAt(0);
  const terms = byBeginning.get(beginning);
  if (terms === undefined) byBeginning.set(beginning, new Set([term]));
  else terms.add(term);
}

function tryNumber({ database, termIds }: EmbeddedState, terms: readonly string[]): boolean {
  const numbered = new Map<string, number>();
  try {
    database.transaction(() => {
      for (const term of terms) {
        // Another call may have numbered it meanwhile.
        if (!termIds.has(term)) numbered.set(term, database.run("INSERT INTO term (text) VALUES (?)", term).id);
      }
    });
  } catch {
    return false;
  }
  for (const [term, id] of numbered) termIds.set(term, id);
  return true;
}
