import { abortError, messageTooLarge } from "../errors.ts";
import type { HttpRequest } from "./http.ts";

export interface BodyOptions {
  readonly maxBytes: number;
  /** Ends the reading. Whatever breaks the connection closes the response as well, which has to abort it. */
  readonly signal: AbortSignal;
  /** How long the body may take to come. Default: as long as the signal lets it. */
  readonly limitMs?: number;
}

/** The body did not come in time: the caller's fault, unlike every other time that is used up. */
export class LateBodyError extends Error {
  override readonly name = "LateBodyError";
}

/**
 * Reads a request to its end.
 *
 * @throws {ConnectError} MESSAGE_TOO_LARGE, as soon as that is known; what the signal says
 * @throws {LateBodyError}
 */
export function readBody(request: HttpRequest, { maxBytes, signal, limitMs }: BodyOptions): Promise<Buffer> {
  const tooLarge = () => messageTooLarge("request", maxBytes);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return Promise.reject(tooLarge());
  if (signal.aborted) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      request.removeListener("data", onData).removeListener("end", onEnd);
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    const timer =
      limitMs === undefined ? undefined : setTimeout(() => fail(new LateBodyError("The body is slow.")), limitMs);
    const onAbort = () => fail(abortError(signal));
    const onData = (part: Buffer) => {
      length += part.byteLength;
      if (length > maxBytes) return fail(tooLarge());
      parts.push(part);
    };
    const onEnd = () => {
      settle();
      resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    // Told by the signal.
    request.on("error", () => undefined);
    request.on("data", onData).once("end", onEnd);
  });
}
