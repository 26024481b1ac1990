/** A request as the provider got it. */
export interface FakeRequest {
  /** Its place in the order of arrival, from 1 on. */
  readonly number: number;
  readonly method: string;
  /** Without the query: `/v1/chat/completions`. */
  readonly path: string;
  /** The bearer token; empty when there is none. */
  readonly key: string;
  /** What its key is called where the value is not shown; empty when there is none. */
  readonly label: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parsed JSON body; undefined when there is none, the text when it is no JSON. */
  readonly body: unknown;
  /** The bytes of its body. */
  readonly bytes: number;
  /** When it had arrived, by `performance.now()`. */
  readonly at: number;
  /** The status of the response; undefined while none was sent. */
  readonly status: number | undefined;
  readonly inputTokens: number;
  /** As far as it was sent. */
  readonly outputTokens: number;
  /** When its response was over, one way or the other; undefined while it is not. */
  readonly closedAt: number | undefined;
  /** Whether it was over before it was complete: the client left, or the provider was told to cut it. */
  readonly leftEarly: boolean;
  /** Resolves when the response is over. */
  readonly closed: Promise<void>;
}

/** A request while it is answered. */
export interface CountedRequest extends FakeRequest {
  status: number | undefined;
  inputTokens: number;
  outputTokens: number;
  closedAt: number | undefined;
  leftEarly: boolean;
}
