import type { Collection } from "./collection.ts";
import type { CallOptions } from "./record-store.ts";
import type { SearchRequest } from "./search-request.ts";

/** A passage that the legs found, as a reranker sees it. */
export interface RerankCandidate {
  readonly passageId: number;
  /** Empty, as the title, for a reranker that does not read texts. */
  readonly text: string;
  readonly title: string;
  /** Of the fusion, in [0, 1]. */
  readonly score: number;
}

/** The search whose passages are to be ordered. */
export interface RerankedSearch {
  readonly tenant: string;
  readonly text: string;
  readonly vector: SearchRequest["vector"];
  readonly fusion: SearchRequest["fusion"];
  /** The collections that were searched. */
  readonly collections: readonly Collection[];
}

export interface RerankQuery extends RerankedSearch {
  /** As the fusion ordered them; no more than `maxCandidates`, and at least two. */
  readonly candidates: readonly RerankCandidate[];
}

/** A candidate with what the reranker makes of it. */
export interface RerankedPassage {
  readonly passageId: number;
  /** In [0, 1]; comparable within one answer. */
  readonly score: number;
}

/** Orders what the fusion found anew, by looking closer. */
export interface Reranker {
  /** What it is and, if it is a model, which: results of another are never taken for its own. */
  readonly id: string;
  /** How many candidates it takes at most; what ranks lower stays behind them. */
  readonly maxCandidates: number;
  /** Whether it is shown the candidates' texts and titles, which have to be fetched for it. */
  readonly readsTexts: boolean;
  /** Whether it can tell anything of what such a search finds; if not, it is not asked, and the fusion's order stands. Default: of every one. */
  readonly suits?: (search: RerankedSearch) => boolean;
  /** Best first or not: the caller sorts. A candidate that is left out stands behind those that are not, as the fusion ordered them. */
  rerank(query: RerankQuery, options: CallOptions): Promise<readonly RerankedPassage[]>;
}
