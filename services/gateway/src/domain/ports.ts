import type { CitedPassage } from "./citations.ts";
import type { Degradation, Usage } from "./outcome.ts";
import type { Passage, Span } from "./passage.ts";
import type { Call } from "./stages.ts";

/** The types that the rules carry from hop to hop without looking into them; the contract's messages, outside of tests. */
export interface Carried {
  readonly passage: Passage;
  /** What to search, and how. */
  readonly options: unknown;
  readonly vector: unknown;
  readonly leg: unknown;
  readonly source: unknown;
  readonly collection: unknown;
  readonly strategy: unknown;
  /** A part of the answer that is asked for. */
  readonly sectionSpec: { readonly name: string };
  /** One that is over, whole or failed. */
  readonly section: { readonly name: string };
  /** How to use the model. */
  readonly modelOptions: unknown;
  readonly answerer: unknown;
  readonly finishReason: unknown;
}

/** A question as a vector, with the space that makes it comparable. */
export interface QueryVector<V> {
  readonly vector: V;
  readonly spaceId: string;
  readonly cached: boolean;
  readonly usage: Usage | undefined;
}

export interface SearchQuery<C extends Carried> {
  readonly query: string;
  readonly pageSize: number;
  /** Where the page starts; empty for the first. */
  readonly pageToken: string;
  readonly options: C["options"];
  /** None: keywords alone. */
  readonly vector: QueryVector<C["vector"]> | undefined;
}

export interface SearchResult<C extends Carried> {
  /** Best first. */
  readonly passages: readonly C["passage"][];
  readonly failures: readonly Degradation[];
  readonly legs: readonly C["leg"][];
  readonly sources: readonly C["source"][];
  readonly collections: readonly C["collection"][];
  /** Where the next page starts; empty when there is none. */
  readonly nextPageToken: string;
  /** Whether it came from the cache of results. */
  readonly cached: boolean;
}

export type GenerationEvent<C extends Carried> =
  /** `section` is the name of the one it belongs to; empty where none was asked for. */
  | { readonly type: "text"; readonly section: string; readonly text: string }
  | { readonly type: "section"; readonly section: C["section"] }
  | {
      readonly type: "end";
      readonly citations: readonly CitedPassage[];
      readonly degradations: readonly Degradation[];
      readonly answerer: C["answerer"];
      readonly finishReason: C["finishReason"];
      readonly usage: Usage | undefined;
    };

/** What a search needs of the services. Each fails with an error that says why, within the time of its call. */
export interface SearchPorts<C extends Carried> {
  /** In the space by which what the options name is searched. */
  embed(question: string, options: C["options"], call: Call): Promise<QueryVector<C["vector"]>>;
  search(query: SearchQuery<C>, call: Call): Promise<SearchResult<C>>;
}

/** What an answer needs of them. */
export interface AnswerPorts<C extends Carried> extends SearchPorts<C> {
  compress(
    request: {
      readonly question: string;
      readonly passages: readonly C["passage"][];
      readonly maxCharCount: number;
      readonly strategy: C["strategy"];
    },
    call: Call,
  ): Promise<readonly C["passage"][]>;
  /** A passage that consists of less of its document. */
  shorten(passage: C["passage"], text: string, keptSpans: readonly Span[]): C["passage"];
  /** Ends with `end`, or fails; before it, one `section` for each that was asked for. */
  generate(request: GenerationRequest<C>, call: Call): AsyncIterable<GenerationEvent<C>>;
}

export interface GenerationRequest<C extends Carried> {
  readonly question: string;
  readonly passages: readonly C["passage"][];
  /** The parts to write at once; none: one text. */
  readonly sections: readonly C["sectionSpec"][];
  readonly modelOptions: C["modelOptions"];
  /** Whether nothing was searched on purpose. */
  readonly retrievalDisabled: boolean;
}
