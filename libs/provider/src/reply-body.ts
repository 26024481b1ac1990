import { ReplyTooLongError } from "./errors.ts";

/** What waits to be read, at most; the rest waits at the provider's end of the connection. */
const MAX_WAITING_BYTES = 64 * 1024;

/** The connection that the bytes come on. */
export interface ReplySource {
  pause(): void;
  resume(): void;
  /** Nobody wants the rest. */
  leave(): void;
}

/** How it ended. */
interface End {
  readonly failed: boolean;
  readonly error?: unknown;
}

const OVER = { done: true, value: undefined } as const;

/**
 * The bytes of one reply, between the connection and its only reader; what has come before a failure is read before it. Not a stream of Node's,
 * which costs each call twice as much, and cannot say that all has come before all is read.
 */
export class ReplyBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: ReplySource;
  readonly #maxBytes: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #isPaused = false;
  #end: End | undefined;
  /** Of the read that is pending, and of the pause of whoever lingers. */
  #awaited: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined;
  #lingering: (() => void) | undefined;

  constructor(source: ReplySource, { maxBytes }: { readonly maxBytes: number }) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  /** Whether a reader waits. */
  get isAwaited(): boolean {
    return this.#awaited !== undefined;
  }

  /** Bytes have come. */
  push(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#maxBytes) {
      this.fail(new ReplyTooLongError());
      return this.#source.leave();
    }
    if (this.#awaited !== undefined) {
      this.#awaited.resolve({ done: false, value: chunk });
      this.#awaited = undefined;
      return;
    }
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.byteLength;
    if (this.#isPaused || this.#waitingBytes < MAX_WAITING_BYTES) return;
    this.#isPaused = true;
    this.#source.pause();
    this.#lingering?.();
  }

  /** All bytes have come. */
  end(): void {
    this.#finish({ failed: false });
  }

  /** No more will come. */
  fail(error: unknown): void {
    this.#finish({ failed: true, error });
  }

  /** What has come since the last read, as one; or what comes next. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#waiting.length > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#end === undefined) return (this.#awaited = Promise.withResolvers()).promise;
    const { failed, error } = this.#end;
    // Told once, as streams do.
    this.#end = { failed: false };
    return failed ? Promise.reject(error) : Promise.resolve(OVER);
  }

  /** Waits so long; less when there is nothing more to wait for, because all has come, or as much as there is room for. */
  linger(ms: number): Promise<void> {
    if (this.#end !== undefined || this.#isPaused) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#lingering?.(), ms);
    this.#lingering = () => {
      clearTimeout(timer);
      this.#lingering = undefined;
      resolve();
    };
    return promise;
  }

  /** Reads no further, and ends the call if it has not ended. */
  dismiss(): void {
    this.#waiting = [];
    if (this.#end === undefined) this.#source.leave();
    this.#finish({ failed: false });
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.dismiss();
    return Promise.resolve(OVER);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): Uint8Array {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const wasPaused = this.#isPaused;
    // Before it resumes, which may give as much again at once.
    this.#isPaused = false;
    // A connection whose reply is over may carry the next one.
    if (wasPaused && this.#end === undefined) this.#source.resume();
    return waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#lingering?.();
    const awaited = this.#awaited;
    this.#awaited = undefined;
    awaited?.resolve(this.next());
  }
}
