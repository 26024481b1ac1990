import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { abortError, plainError } from "./errors.ts";

/**
 * What every host puts around handlers, so that all behave alike:
 * - a call ends when its signal is aborted, whether or not the handler notices;
 * - on abort a generator's `return()` is called even while nobody reads, so that its `finally` runs;
 * - anything thrown but a ConnectError becomes INTERNAL without text (hosts would leak it, or call it UNKNOWN).
 */
export function guard<S extends DescService>(service: S, handlers: Partial<ServiceImpl<S>>): Partial<ServiceImpl<S>> {
  const guarded: Record<string, AnyHandler> = {};
  for (const method of service.methods) {
    const handler = (handlers as Record<string, AnyHandler | undefined>)[method.localName];
    if (handler !== undefined) guarded[method.localName] = guardMethod(method, handler.bind(handlers) as AnyHandler);
  }
  return guarded as Partial<ServiceImpl<S>>;
}

/** A handler of any kind; which one the descriptor's methodKind tells. */
export type AnyHandler = (request: never, context: HandlerContext) => unknown;

function guardMethod({ methodKind }: DescMethod, handler: AnyHandler): AnyHandler {
  if (methodKind === "unary" || methodKind === "client_streaming") {
    return (request, context) => settle(context.signal, () => handler(request, context));
  }
  return (request, context) =>
    new GuardedStream(context.signal, () => handler(request, context) as AsyncIterable<unknown>);
}

const failure = (error: unknown, signal: AbortSignal): ConnectError =>
  error instanceof ConnectError ? error : signal.aborted ? abortError(signal) : plainError(Code.Internal, error);

/** Runs until done or aborted, whichever is first. What comes too late is dropped. */
function settle(signal: AbortSignal, run: () => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal));
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    new Promise((started) => started(run()))
      .finally(() => signal.removeEventListener("abort", onAbort))
      .then(resolve, (error: unknown) => reject(failure(error, signal)));
  });
}

/**
 * The messages of a handler, ended by its signal.
 *
 * open -> reading (next is pending) -> open -> ... -> ended, by the source's end or failure, by return(), or by abort.
 * return() and abort finish the source at once, and settle a read that is pending.
 */
class GuardedStream implements AsyncIterableIterator<unknown> {
  readonly #signal: AbortSignal;
  readonly #open: () => AsyncIterable<unknown>;
  #source: AsyncIterator<unknown> | undefined;
  #pending: PromiseWithResolvers<IteratorResult<unknown>> | undefined;
  #ended = false;
  #aborted = false;

  constructor(signal: AbortSignal, open: () => AsyncIterable<unknown>) {
    this.#signal = signal;
    this.#open = open;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#ended) return this.#aborted ? Promise.reject(abortError(this.#signal)) : done();
    if (this.#source === undefined) {
      if (this.#signal.aborted) {
        this.#onAbort();
        return Promise.reject(abortError(this.#signal));
      }
      try {
        this.#source = this.#open()[Symbol.asyncIterator]();
      } catch (error) {
        this.#ended = true;
        return Promise.reject(failure(error, this.#signal));
      }
      this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    const pending = (this.#pending = Promise.withResolvers<IteratorResult<unknown>>());
    this.#source.next().then(
      (result) => {
        this.#pending = undefined;
        if (result.done === true) this.#end();
        pending.resolve(result);
      },
      (error: unknown) => {
        this.#pending = undefined;
        this.#end();
        pending.reject(failure(error, this.#signal));
      },
    );
    return pending.promise;
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    if (this.#signal.aborted) this.#onAbort();
    this.#finishSource();
    this.#pending?.resolve({ done: true, value: undefined });
    return { done: true, value };
  }

  readonly #onAbort = () => {
    this.#aborted = true;
    this.#finishSource();
    this.#pending?.reject(abortError(this.#signal));
  };

  #finishSource() {
    if (this.#ended) return;
    this.#end();
    // Not awaited: a source that is waiting for something deaf to the signal would hold the call for ever.
    this.#source?.return?.().catch(() => undefined);
  }

  #end() {
    this.#ended = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}

const done = (): Promise<IteratorResult<unknown>> => Promise.resolve({ done: true, value: undefined });
