import type { Transport } from "@connectrpc/connect";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { createClient } from "@quartet/rpc";
import { soonestMs } from "@quartet/testing";
import type { openOnPort } from "./open-gateway.ts";

type Inner = Awaited<ReturnType<typeof openOnPort>>["inner"];

export interface LeavingOptions {
  readonly inner: Inner;
  readonly transport: Transport;
  /** What generation does until it hears. */
  readonly generate: NonNullable<Inner["behaviour"]["generate"]>;
}

/** How long generation takes to hear that the reader of an answer has left after its first words, in milliseconds: at the soonest, within a second. */
export function untilLeavingIsHeardMs({ inner, transport, generate }: LeavingOptions): Promise<number> {
  const answers = createClient(AnswerService, transport);
  return soonestMs(1_000, async () => {
    const { promise: heard, resolve: hear } = Promise.withResolvers<void>();
    inner.behaviour.generate = (request, context) => {
      context.signal.addEventListener("abort", () => hear());
      return generate(request, context);
    };
    for await (const { event } of answers.streamAnswerQuestion({ answer: { question: "휴가는 며칠입니까?" } })) {
      if (event.case === "textDelta") break;
    }
    const leftAt = performance.now();
    await heard;
    return performance.now() - leftAt;
  });
}
