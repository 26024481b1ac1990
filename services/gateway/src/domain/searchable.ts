import { notSearchableYet } from "./degradations.ts";
import type { Degradation } from "./outcome.ts";
import { reasonFor } from "./stages.ts";

/** What a put changed in one collection. */
export interface PutChange {
  readonly collection: string;
  /** The change that the keyword index must have come to. */
  readonly recordSeq: bigint;
  /** The documents that were stored. */
  readonly documentIds: readonly string[];
}

export interface SearchablePorts {
  /** Gives the documents their vectors, ahead of everything else; how many contents cannot be embedded. */
  indexDocuments(
    request: { readonly collection: string; readonly documentIds: readonly string[] },
    signal: AbortSignal,
  ): Promise<number>;
  /** The last change that the keyword index of each collection shows. */
  projectedSeqs(signal: AbortSignal): Promise<ReadonlyMap<string, bigint>>;
  /** Resolves after the time, or early when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The keyword index is asked this often, at first and at most. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 500;

/**
 * Waits until keywords and vectors find what was put. What is committed stays so: whatever goes wrong here, and the signal's end,
 * only makes a degradation.
 */
export async function waitUntilSearchable(
  changes: readonly PutChange[],
  ports: SearchablePorts,
  signal: AbortSignal,
): Promise<readonly Degradation[]> {
  const waits = [
    attempt("embedding", signal, async () => {
      for (const { collection, documentIds } of changes) {
        const refused = await ports.indexDocuments({ collection, documentIds }, signal);
        if (refused > 0) return notSearchableYet("embedding", "EMBED_SHAPE");
      }
      return undefined;
    }),
    attempt("retrieval", signal, () => waitForKeywords(changes, ports, signal)),
  ];
  return (await Promise.all(waits)).filter((degradation) => degradation !== undefined);
}

async function attempt(
  hop: "embedding" | "retrieval",
  signal: AbortSignal,
  work: () => Promise<Degradation | undefined>,
): Promise<Degradation | undefined> {
  try {
    return await work();
  } catch (error) {
    return notSearchableYet(hop, signal.aborted ? "OUT_OF_TIME" : reasonFor(error));
  }
}

async function waitForKeywords(
  changes: readonly PutChange[],
  ports: SearchablePorts,
  signal: AbortSignal,
): Promise<undefined> {
  for (let delayMs = FIRST_LOOK_MS; ; delayMs = Math.min(2 * delayMs, LAST_LOOK_MS)) {
    const projected = await ports.projectedSeqs(signal);
    if (changes.every(({ collection, recordSeq }) => (projected.get(collection) ?? -1n) >= recordSeq)) return undefined;
    await ports.sleep(delayMs, signal);
    signal.throwIfAborted();
  }
}
