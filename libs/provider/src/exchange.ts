import { type Dispatcher, errors } from "undici";
import { ConnectionError, StreamBrokenError } from "./errors.ts";
import { createHttpReply, type HttpReply } from "./http-reply.ts";
import { ReplyBody } from "./reply-body.ts";

export interface HttpRequest {
  /** As in `https://api.openai.com`. */
  readonly origin: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Aborting it closes the socket, or over HTTP/2 the stream, at any time until the end of the reply. */
  readonly signal: AbortSignal;
  /** The longest body of this reply in bytes. Default: the transport's. */
  readonly maxReplyBytes?: number | undefined;
  /** Told when the request goes out on a connection, once or more; not at all where it is given up before, or there is none. */
  readonly onSent?: (() => void) | undefined;
}

export interface ExchangeEvents {
  /** The request goes to a connection, or can no longer. Told once. */
  readonly onStarted: () => void;
  /** Bytes have come. */
  readonly onHeard: () => void;
  /** The signal was aborted while something was waited for. */
  readonly onGivenUp: () => void;
}

/** One for all: nobody sees it, and making one takes its stack. Of this kind, undici takes it for no fault of the connection. */
const givenUp = new errors.InformationalError("the call was given up");

/**
 * Posts a request, and resolves when its reply begins; undici's own `request` would make a stream of Node's of every reply.
 *
 *     waiting --onRequestStart--> sent --onResponseStart--> replying --onResponseEnd, dismiss()--> over
 *
 * An abort, or undici's error, ends any of them: before the reply begins it rejects, from then on the body fails.
 */
export function exchange(
  dispatcher: Dispatcher,
  { signal, maxReplyBytes: maxBytes, onSent, ...request }: HttpRequest & { readonly maxReplyBytes: number },
  { onStarted, onHeard, onGivenUp }: ExchangeEvents,
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let body: ReplyBody | undefined;
    let [started, over] = [false, false];
    const start = () => {
      if (!started) onStarted();
      started = true;
    };
    /** Tells whether it was not over before. */
    const finish = (): boolean => {
      if (over) return false;
      over = true;
      start();
      signal.removeEventListener("abort", onAbort);
      return true;
    };
    const fail = (error: unknown) => (body === undefined ? reject(error as Error) : body.fail(error));
    const onAbort = () => {
      const wasAwaited = body?.isAwaited ?? true;
      if (!finish()) return;
      fail(signal.reason);
      controller?.abort(givenUp);
      if (wasAwaited) onGivenUp();
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });

    dispatcher.dispatch(
      { ...request, method: "POST" },
      {
        onRequestStart(given) {
          // It was given up while it waited for a connection; to abort it here would end the connection as well.
          if (over) throw givenUp;
          controller = given;
          start();
          onSent?.();
        },
        onResponseStart(given, status, headers) {
          onHeard();
          if (over || status < 200) return;
          const leave = () => {
            if (finish()) given.abort(givenUp);
          };
          body = new ReplyBody({ pause: () => given.pause(), resume: () => given.resume(), leave }, { maxBytes });
          resolve(createHttpReply(status, headers, body));
        },
        onResponseData(_given, chunk) {
          onHeard();
          body?.push(chunk);
        },
        onResponseEnd() {
          if (finish()) body?.end();
        },
        onResponseError(_given, error) {
          if (!finish()) return;
          fail(body === undefined ? new ConnectionError(error) : new StreamBrokenError("the reply broke off", error));
        },
      },
    );
  });
}
