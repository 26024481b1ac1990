import type { GraphIndex } from "./graph-index.ts";
import type { Installation } from "./installation.ts";
import type { KeywordIndex } from "./keyword-index.ts";
import type { Projection } from "./projection.ts";
import type { RecordStore } from "./record-store.ts";
import type { VectorIndex } from "./vector-index.ts";

/** The ports of the service. They are read at each call: stores are opened after handlers are made. */
export interface Stores {
  readonly records: RecordStore;
  readonly keywords: KeywordIndex;
  readonly vectors: VectorIndex;
  /** Absent where no page is gone on with, as in evaluations. */
  readonly installation?: Installation | undefined;
  /** Where the stores have one. */
  readonly graph?: GraphIndex | undefined;
  /** Where the keyword index is an engine of its own. */
  readonly projection?: Projection | undefined;
}
