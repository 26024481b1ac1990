import type { KeywordIndex } from "../../domain/keyword-index.ts";
import type { RecordStore } from "../../domain/record-store.ts";
import type { VectorIndex } from "../../domain/vector-index.ts";
import { Database, unusable } from "./database.ts";
import { createKeywordIndex } from "./keyword-index.ts";
import { loadState } from "./load.ts";
import { createRecordStore } from "./record-store.ts";
import { EmbeddedState } from "./state.ts";
import { createVectorIndex } from "./vector-index.ts";

export interface EmbeddedStoreOptions {
  /** The data folder, made if it is not there; `inMemory` for a store that leaves nothing behind. */
  readonly folder: string;
  /** Ends the opening. Default: never. */
  readonly signal?: AbortSignal;
  /** Milliseconds since 1970; for tests. Default: the clock. */
  readonly nowMs?: () => number;
}

/** The three ports of retrieval on one SQLite file and this process's memory. */
export interface EmbeddedStore {
  readonly records: RecordStore;
  readonly keywords: KeywordIndex;
  readonly vectors: VectorIndex;
  /** Nothing of the store may be used afterwards. */
  close(): Promise<void>;
}

/** Opens the store of a data folder for this process alone. Throws DataFolderError, of which FolderInUseError is one. */
export async function openEmbeddedStore({
  folder,
  signal = new AbortController().signal,
  nowMs = Date.now,
}: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const state = new EmbeddedState(new Database(folder), nowMs);
  try {
    await loadState(state, signal);
  } catch (error) {
    await state.close();
    // A damaged file is the owner's to know; anything else is a defect, whose stack is wanted.
    throw (error as { readonly code?: unknown }).code === "ERR_SQLITE_ERROR" ? unusable(folder, error) : error;
  }
  return {
    records: createRecordStore(state),
    keywords: createKeywordIndex(state),
    vectors: createVectorIndex(state),
    close: () => state.close(),
  };
}
