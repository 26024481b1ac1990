import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, type ContextValues, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { abortError, callEnded, plainError } from "./errors.ts";

export interface CallContextInit {
  readonly method: DescMethod;
  readonly url: string;
  readonly protocolName: string;
  readonly requestHeader: Headers;
  /** How long the call may take, completed (deadline.ts). */
  readonly timeoutMs: number;
  /** Aborted when the process ends what is still running. */
  readonly shutdownSignal?: AbortSignal | undefined;
}

/** The context of one call on a host of our own: its signal follows the deadline, the caller and the process. */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly service: DescService;
  readonly url: string;
  readonly protocolName: string;
  readonly requestMethod = "POST";
  readonly requestHeader: Headers;
  readonly responseHeader = new Headers();
  readonly responseTrailer = new Headers();
  readonly values: ContextValues = createContextValues();
  readonly #controller = new AbortController();
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout;
  readonly #shutdownSignal: AbortSignal | undefined;

  constructor({ method, url, protocolName, requestHeader, timeoutMs, shutdownSignal }: CallContextInit) {
    this.method = method;
    this.service = method.parent;
    this.url = url;
    this.protocolName = protocolName;
    this.requestHeader = requestHeader;
    this.#deadline = performance.now() + timeoutMs;
    this.#timer = setTimeout(() => this.abort(plainError(Code.DeadlineExceeded)), timeoutMs);
    this.#shutdownSignal = shutdownSignal;
    if (shutdownSignal?.aborted === true) this.#onShutdown();
    else shutdownSignal?.addEventListener("abort", this.#onShutdown, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly timeoutMs = (): number => Math.max(0, this.#deadline - performance.now());

  /** Ends the call for this reason; the first one holds. */
  abort(reason: unknown): void {
    clearTimeout(this.#timer);
    this.#shutdownSignal?.removeEventListener("abort", this.#onShutdown);
    if (!this.#controller.signal.aborted) this.#controller.abort(reason);
  }

  /** The call has ended: whatever was begun for it and still runs is told so. */
  close(): void {
    this.abort(callEnded);
  }

  readonly #onShutdown = () => this.abort(abortError(this.#shutdownSignal!));
}
