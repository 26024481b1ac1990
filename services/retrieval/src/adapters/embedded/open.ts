import { setImmediate } from "node:timers/promises";
import { createInlineWorkers, type WorkerPool } from "@quartet/workers";
import type { GraphIndex } from "../../domain/graph-index.ts";
import type { Installation } from "../../domain/installation.ts";
import type { KeywordIndex } from "../../domain/keyword-index.ts";
import type { RecordStore } from "../../domain/record-store.ts";
import type { VectorIndex } from "../../domain/vector-index.ts";
import { Database, unusable } from "./database.ts";
import { createGraphIndex } from "./graph-index.ts";
import { createInstallation } from "./installation.ts";
import { createKeywordIndex } from "./keyword-index.ts";
import { loadState } from "./load.ts";
import { readVectors, type UnreadSpace } from "./read-vectors.ts";
import { createRecordStore } from "./record-store.ts";
import { EmbeddedState } from "./state.ts";
import { loadGraphs } from "./tenant-graph.ts";
import { createVectorIndex } from "./vector-index.ts";

export interface EmbeddedStoreOptions {
  /** The data folder, made if it is not there; `inMemory` for a store that leaves nothing behind. */
  readonly folder: string;
  /** Ends the opening. Default: never. */
  readonly signal?: AbortSignal;
  /** Threads for heavy computation; they stay the caller's. Default: none, it is done beside other calls. */
  readonly workers?: WorkerPool;
  /** Milliseconds since 1970; for tests. Default: the clock. */
  readonly nowMs?: () => number;
  /** How vectors are read once the store is open; for tests. Default: 256 KiB in one go, then a turn of the event loop for other calls. */
  readonly reading?: { readonly bytesPerStep: number; readonly pause: () => Promise<unknown> };
}

/** The ports of retrieval on one SQLite file and this process's memory. */
export interface EmbeddedStore {
  readonly records: RecordStore;
  readonly keywords: KeywordIndex;
  readonly vectors: VectorIndex;
  readonly graph: GraphIndex;
  readonly installation: Installation;
  /** Resolves when searches by vector no longer wait for vectors to be read; rejects when those cannot be, or the store is closed before. */
  readonly vectorsRead: Promise<void>;
  /** Nothing of the store may be used afterwards. */
  close(): Promise<void>;
}

/**
 * Opens the store of a data folder for this process alone. Vectors are read after that, while the store is in use; searches by vector wait
 * for them. Throws DataFolderError, of which FolderInUseError is one.
 */
export async function openEmbeddedStore({
  folder,
  signal = new AbortController().signal,
  workers = createInlineWorkers(),
  nowMs = Date.now,
  reading = { bytesPerStep: 256 * 1024, pause: setImmediate },
}: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const state = new EmbeddedState(new Database(folder), nowMs);
  let unread: readonly UnreadSpace[];
  try {
    unread = await loadState(state, { signal, workers });
    await loadGraphs(state, signal);
  } catch (error) {
    await state.close();
    // A damaged file is the owner's to know; anything else is a defect, whose stack is wanted.
    throw (error as { readonly code?: unknown }).code === "ERR_SQLITE_ERROR" ? unusable(folder, error) : error;
  }
  const reads = unread.flatMap(({ space }) => space.vectors.whenRead ?? []);
  const vectorsRead = Promise.all(reads).then(() => undefined);
  // Whoever does not ask is told by the searches.
  vectorsRead.catch(() => undefined);
  state.inBackground(readVectors(state, unread, reading), reading);
  return {
    records: createRecordStore(state),
    keywords: createKeywordIndex(state),
    vectors: createVectorIndex(state, workers),
    graph: createGraphIndex(state),
    installation: createInstallation(state),
    vectorsRead,
    close: () => state.close(),
  };
}
