import { create, type DescMessage, type DescMethodStreaming, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, type Interceptor, type StreamRequest, type StreamResponse } from "@connectrpc/connect";
import { abortError, callEnded, plainError } from "./errors.ts";
import { throughChain } from "./through-chain.ts";

export interface StreamingCall {
  readonly interceptors: readonly Interceptor[];
  /** The caller's. */
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  readonly request: Omit<StreamRequest, "signal" | "message" | "stream">;
  readonly messages: AsyncIterable<MessageInitShape<DescMessage>>;
  readonly next: (request: StreamRequest) => Promise<StreamResponse>;
}

/**
 * The client's side of a streaming call, as Connect's own runStreamingCall does it: interceptors, and one signal for the caller, the deadline
 * and the end. Connect's makes two controllers and two exceptions for every call, and keeps its timer until somebody reads once more.
 */
export async function runStreaming(call: StreamingCall): Promise<StreamResponse> {
  const { interceptors, signal, timeoutMs, request, messages, next } = call;
  if (signal?.aborted === true) throw abortError(signal);
  const { method } = request as { method: DescMethodStreaming };
  const controller = new AbortController();
  const requests = messages[Symbol.asyncIterator]();
  let open = true;
  /** Without a reason the call was read to its end: nothing of it is left that would have to hear. */
  const end = (reason?: unknown) => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    if (reason !== undefined) controller.abort(reason);
    // Nobody takes another request: whatever their source holds is let go.
    void requests.return?.().catch(() => undefined);
  };
  const onAbort = () => end(signal?.reason);
  const timer = setTimeout(() => end(plainError(Code.DeadlineExceeded)), timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  const run = throughChain(interceptors, next);
  const message = completed(method, requests);
  try {
    const response = await run({ ...request, stream: true, message, signal: controller.signal } as StreamRequest);
    return { ...response, message: untilEnd(response.message, controller.signal, end) };
  } catch (error) {
    end(callEnded);
    throw error;
  }
}

/** The requests as messages, whatever they were given as. */
function completed({ input }: DescMethodStreaming, source: AsyncIterator<MessageInitShape<DescMessage>>) {
  const iterator = {
    next: async () => {
      const result = await source.next();
      return result.done === true ? result : { done: false as const, value: create(input, result.value) };
    },
    return: async () => {
      await source.return?.();
      return { done: true as const, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** The responses; their end, or their failure, is that of the call. A reader who leaves aborts the signal. */
function untilEnd<T>(source: AsyncIterable<T>, signal: AbortSignal, end: (reason?: unknown) => void): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]();
      let open = true;
      return {
        next: () => {
          if (open && signal.aborted) return Promise.reject(abortError(signal));
          return iterator.next().then(
            (result) => {
              if (result.done === true) {
                open = false;
                end();
              }
              return result;
            },
            (error: unknown) => {
              open = false;
              end(callEnded);
              throw error;
            },
          );
        },
      };
    },
  };
}
