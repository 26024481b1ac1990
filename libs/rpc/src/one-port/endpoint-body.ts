import { Code, ConnectError } from "@connectrpc/connect";
import { abortError, messageTooLarge } from "../errors.ts";
import type { HttpRequest } from "./http.ts";

export interface BodyOptions {
  readonly maxBytes: number;
  /** How long it may take to come. */
  readonly limitMs: number;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** The body did not come in time: the caller's fault, unlike every other time that is used up. */
export class LateBodyError extends Error {
  override readonly name = "LateBodyError";
}

/**
 * Reads a request to its end.
 *
 * @throws {ConnectError} MESSAGE_TOO_LARGE; what the signal says
 * @throws {LateBodyError}
 */
export function readBody(request: HttpRequest, { maxBytes, limitMs, signal }: BodyOptions): Promise<Buffer> {
  const tooLarge = () => messageTooLarge("request", maxBytes);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      request.removeListener("data", onData).removeListener("end", onEnd).removeListener("close", onClose);
      finish();
    };
    const fail = (error: Error) => settle(() => reject(error));
    const timer = setTimeout(() => fail(new LateBodyError("The body is slow.")), limitMs);
    const onAbort = () => fail(abortError(signal));
    const onEnd = () => settle(() => resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
    const onClose = () => fail(new ConnectError("The caller left.", Code.Canceled));
    const onData = (part: Buffer) => {
      length += part.byteLength;
      if (length > maxBytes) return fail(tooLarge());
      parts.push(part);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    // What breaks the connection is told by `close` as well.
    request.on("error", () => undefined);
    request.on("data", onData).once("end", onEnd).once("close", onClose);
  });
}
