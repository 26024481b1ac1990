import type { FakeRequest } from "./fake-request.ts";
import type { FakeError } from "./provider-errors.ts";

/** How a reply ends before its time. */
export interface FakeCut {
  /** After this many pieces of text; a reply that is no stream is cut in its middle, whatever is said here. */
  readonly afterPieces: number;
  /**
   * `end`: the body ends well-formed, but a stream without finish_reason and [DONE]. `fin`: the connection is closed in the middle of the body.
   * `reset`: the same without a FIN. `stall`: silence. `error`: an error event. `garbage`: an event that is no JSON.
   */
  readonly by: "end" | "fin" | "reset" | "stall" | "error" | "garbage";
}

/** What a key may do. Windows begin with their first request. */
export interface FakeLimit {
  /** Requests in a window; one more gets a 429 that says when to return. */
  readonly requests?: number;
  /** Tokens in a window: those of the prompt, or `max_tokens` where that is more, as the provider counts. */
  readonly tokens?: number;
  /** The length of a window. Default: a minute. */
  readonly perMs?: number;
  /** Calls at a time. */
  readonly concurrent?: number;
  /** What becomes of a call too many at a time: `refuse` gives it a 429, `wait` lets it wait for its turn. Default: `refuse`. */
  readonly whenBusy?: "refuse" | "wait";
  /** Keys with the same group share the limit, as those of one organization do. Default: each key has its own. */
  readonly group?: string;
}

/** How the provider answers. Everything is optional; without anything it answers well and at once. */
export interface FakeBehaviour {
  /** Answers with this error instead. */
  readonly error?: FakeError;
  /** Before anything is sent. Default: 0. */
  readonly delayMs?: number;
  /** Takes the request and never answers. */
  readonly hang?: boolean;
  /** Answers 200 with a page instead of JSON. */
  readonly html?: boolean;
  /** Response headers to add. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Limits of each key. Default: none, and no x-ratelimit-* headers. */
  readonly limit?: FakeLimit;
  /** As in `openai-organization`. Default: `org-fake`. */
  readonly organization?: string;
  /** The longest prompt in tokens; a longer one gets context_length_exceeded. Default: no limit. */
  readonly contextTokens?: number;

  /** The text of a chat answer, in pieces or to be cut at white space. Default: the first sentence of the first passage in the prompt, and [1]. */
  readonly answer?: string | readonly string[] | ((request: FakeRequest) => string | readonly string[]);
  /** The answer is repeated or cut to have so many pieces, each counted as one token. */
  readonly tokens?: number;
  /** Before the first piece: after the headers of a stream, else as a part of the delay of the whole reply. Default: 0. */
  readonly firstPieceMs?: number;
  /** Between its other pieces. Default: 0. */
  readonly pieceMs?: number;
  /** How much each of the three delays varies, as a share of it: .2 is from 80 % to 120 %. Default: 0. */
  readonly jitter?: number;
  /** Default: `stop`, or `length` where max_tokens cut the answer. */
  readonly finishReason?: "stop" | "length" | "content_filter";
  /** The model refuses in these words; there is no answer then. */
  readonly refusal?: string;
  readonly cut?: FakeCut;
  /** Repeats the answer until the client leaves, in a stream and in a whole reply; embeddings get ever more numbers. */
  readonly endless?: boolean;
  /** What the reply says it used; `none` leaves it out. Default: what was counted. */
  readonly usage?: "none" | { readonly inputTokens: number; readonly outputTokens: number };

  /** Of a stream. Default: `\n`. */
  readonly lineEnd?: "\n" | "\r\n" | "\r";
  /** Sends a stream in writes of this many bytes, which splits characters. Default: whole events. */
  readonly writeBytes?: number;
  /** Lines between events that readers must pass over. */
  readonly comments?: boolean;
  /** Whether a stream ends with the empty line that ends its last event. Default: true. */
  readonly lastBlankLine?: boolean;
  /** Puts bytes into the text of a stream that are no UTF-8. */
  readonly invalidUtf8?: boolean;

  /** Length of vectors where the request does not say. Default: 64. */
  readonly dimensions?: number;
  /** `reordered` is allowed, since each vector has its index; the others are not. Default: `right`. */
  readonly vectors?: "right" | "reordered" | "fewer" | "shorter" | "not-finite";
}

/** A key that is known. */
export interface FakeKey extends FakeBehaviour {
  /** What it is called where its value is not shown. Default: `key-1` for the first and so on. */
  readonly label?: string;
}
