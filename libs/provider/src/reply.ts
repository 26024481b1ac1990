import type { HeadersLike } from "@quartet/key-pool";
import { ErrorReply, ProtocolError, ProviderError } from "./errors.ts";
import type { HttpReply } from "./http-reply.ts";
import { isObject, tryJson } from "./json.ts";
import { createEventReader, type ServerSentEvent } from "./sse.ts";

/** A whole reply, or one event of a stream. */
export interface ReplyJson {
  /** A whole JSON value, as the provider sent it. */
  readonly data: string;
  /** The same, parsed. */
  readonly value: unknown;
}

/** A reply with status 2xx, of which nothing but the head is read yet. Exactly one of `whole`, `events` and `dismiss` is called, once. */
export interface ProviderReply {
  readonly status: number;
  readonly headers: HeadersLike;
  /**
   * The whole body.
   *
   * @throws {ProtocolError} it is no JSON
   * @throws {ReplyTooLongError}
   * @throws {StreamBrokenError} it broke off
   */
  whole(): Promise<ReplyJson>;
  /**
   * The events up to `[DONE]`, or to the end where the provider leaves that out, in each step those that have come since the last: that the last
   * one was there is for the reader to see. Whoever leaves early ends the call.
   *
   * @throws {ProtocolError} it is no event stream, or an event is no JSON
   * @throws {ErrorReply} without a status: the provider tells an error within the stream
   * @throws {ReplyTooLongError}
   * @throws {StreamBrokenError} the connection broke
   */
  events(): AsyncGenerator<readonly ReplyJson[], void, undefined>;
  /** Waits so long before the next step; less when there is nothing more to wait for. */
  linger(ms: number): Promise<void>;
  /** Ends the call. */
  dismiss(): void;
}

/** An error is a few hundred bytes, and comes with its status; what is behind them, or late, is not waited for. */
const MAX_ERROR_CHARACTERS = 64 * 1024;
const ERROR_WAIT_MS = 1_000;
/** After `[DONE]` the body ends, mostly at once; a connection whose body does not is not kept. */
const END_WAIT_MS = 250;

/** @throws {ErrorReply} for any status but 2xx. */
export async function openReply(http: HttpReply): Promise<ProviderReply> {
  const { status, headers } = http;
  if (status < 200 || status > 299) throw await readError(http);
  return {
    status,
    headers,
    whole: async () => {
      expectType(http, /^application\/([\w.-]+\+)?json\b/i, "JSON");
      const data = await http.text();
      return { data, value: parseJson(data) };
    },
    events: () => readEvents(http),
    linger: http.linger,
    dismiss: http.dismiss,
  };
}

function expectType({ headers, dismiss }: HttpReply, types: RegExp, what: string): void {
  const isCoded = !/^(identity)?$/i.test(headers.get("content-encoding") ?? "");
  if (types.test(headers.get("content-type") ?? "") && !isCoded) return;
  dismiss();
  throw new ProtocolError(`the reply is no ${what}`);
}

async function* readEvents(http: HttpReply): AsyncGenerator<readonly ReplyJson[], void, undefined> {
  expectType(http, /^text\/event-stream\b/i, "event stream");
  const reader = createEventReader();
  let endTimer: NodeJS.Timeout | undefined;
  try {
    for await (const bytes of http.body) {
      // Read to its end, the connection can be used again.
      if (endTimer !== undefined) continue;
      const { events, isLast, error } = readTogether(reader.push(bytes), http);
      if (isLast) endTimer = setTimeout(http.dismiss, END_WAIT_MS);
      if (events.length > 0) yield events;
      if (error !== undefined) throw error;
    }
  } catch (error) {
    // After [DONE], all that is needed was said.
    if (endTimer === undefined) throw error;
  } finally {
    clearTimeout(endTimer);
  }
  if (endTimer !== undefined) return;
  const { events, error } = readTogether(reader.end(), http);
  if (events.length > 0) yield events;
  if (error !== undefined) throw error;
}

interface Together {
  readonly events: readonly ReplyJson[];
  /** Whether `[DONE]` is behind them. */
  readonly isLast: boolean;
  /** What is wrong with the next one: it comes after them. */
  readonly error?: unknown;
}

function readTogether(sent: readonly ServerSentEvent[], { headers }: HttpReply): Together {
  const events: ReplyJson[] = [];
  try {
    for (const event of sent) {
      if (event.data.startsWith("[DONE]")) return { events, isLast: true };
      // One that was cut off is no JSON: what is missing is missed by whoever reads.
      const value = event.isWhole ? parseJson(event.data) : tryJson(event.data);
      if (value !== undefined) events.push(readEvent(event, value, headers));
    }
    return { events, isLast: false };
  } catch (error) {
    return { events, isLast: false, error };
  }
}

/** @throws {ErrorReply} */
function readEvent({ event, data }: ServerSentEvent, value: unknown, headers: HeadersLike): ReplyJson {
  const error = errorWithin(value, event);
  if (error !== undefined) throw new ErrorReply({ status: undefined, headers, error });
  return { data, value };
}

/** Providers tell errors as `data: {"error": ...}`, and some name the event so. */
function errorWithin(value: unknown, event: string): object | undefined {
  const error = isObject(value) ? value["error"] : undefined;
  if (isObject(error)) return error;
  if (error !== undefined && error !== null && error !== false) return {};
  return event === "error" ? (isObject(value) ? value : {}) : undefined;
}

async function readError(http: HttpReply): Promise<ErrorReply> {
  const { status, headers } = http;
  return new ErrorReply({ status, headers, error: errorOf(await readErrorText(http)) });
}

/** As much as there is of it: the status says enough. @throws the signal's reason */
export async function readErrorText({ body, dismiss }: HttpReply): Promise<string> {
  let text = "";
  const timer = setTimeout(dismiss, ERROR_WAIT_MS);
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MAX_ERROR_CHARACTERS) break;
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
  } finally {
    clearTimeout(timer);
  }
  return text;
}

function errorOf(text: string): object | undefined {
  const value = tryJson(text);
  const error = isObject(value) ? value["error"] : undefined;
  return isObject(error) ? error : undefined;
}

/** The parser's own words, which quote the text, go no further. */
function parseJson(text: string): unknown {
  const value = tryJson(text);
  if (value === undefined) throw new ProtocolError("what should be JSON is none");
  return value;
}
