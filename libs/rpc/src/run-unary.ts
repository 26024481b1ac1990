import { create, type DescMethodUnary, type MessageInitShape, type DescMessage } from "@bufbuild/protobuf";
import { Code, type Interceptor, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { abortError, callEnded, plainError } from "./errors.ts";
import { throughChain } from "./through-chain.ts";

export interface UnaryCall {
  readonly interceptors: readonly Interceptor[];
  /** The caller's. */
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  readonly request: Omit<UnaryRequest, "signal" | "message" | "stream">;
  readonly message: MessageInitShape<DescMessage>;
  readonly next: (request: UnaryRequest<DescMessage, DescMessage>) => Promise<UnaryResponse>;
}

/**
 * The client's side of a unary call, as Connect's own runUnaryCall does it: interceptors, and one signal for the caller, the deadline and the
 * end. Connect's makes two controllers and an exception for every call, which cost more than the rest of the chain.
 */
export async function runUnary({
  interceptors,
  signal,
  timeoutMs,
  request,
  message,
  next,
}: UnaryCall): Promise<UnaryResponse> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  if (signal?.aborted === true) throw abortError(signal);
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => controller.abort(plainError(Code.DeadlineExceeded)), timeoutMs);
  const run = throughChain(interceptors, next);
  const { method } = request as { method: DescMethodUnary };
  try {
    return await run({ ...request, stream: false, message: create(method.input, message), signal: controller.signal });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    if (!controller.signal.aborted) controller.abort(callEnded);
  }
}
