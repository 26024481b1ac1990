/** A request as the provider got it. */
export interface FakeRequest {
  readonly method: string;
  /** Without the query: `/v1/chat/completions`. */
  readonly path: string;
  /** The bearer token; empty when there is none. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parsed JSON body; undefined when there is none, the text when it is no JSON. */
  readonly body: unknown;
  /** When it had arrived, by `performance.now()`. */
  readonly at: number;
  /** When its response was over, one way or the other; undefined while it is not. */
  readonly closedAt: number | undefined;
  /** Whether it was over before it was complete: the client left, or the provider was told to cut it. */
  readonly leftEarly: boolean;
  /** Resolves when the response is over. */
  readonly closed: Promise<void>;
}
