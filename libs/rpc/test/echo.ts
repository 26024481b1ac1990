import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import type { EchoRequest, EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

/** What the handlers saw of their calls, for the tests to ask. */
export interface Probe {
  readonly calls: HandlerContext[];
  /** Names of handlers whose `finally` has run. */
  readonly finished: string[];
  /** How many messages a stream's handler has made. */
  made: number;
  /** Resolves when the condition holds; rejects when it has not within 10 s. */
  until(condition: () => boolean): Promise<void>;
}

export function createProbe(): Probe {
  return {
    calls: [],
    finished: [],
    made: 0,
    async until(condition) {
      const deadline = performance.now() + 10_000;
      while (!condition()) {
        if (performance.now() > deadline) throw new Error("The condition has not come to hold.");
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  };
}

const never = new Promise<never>(() => undefined);

/** Does what the request's `behaviour` names. */
async function act({ behaviour, count }: EchoRequest, { signal }: HandlerContext): Promise<void> {
  switch (behaviour) {
    case "park deaf":
      return never;
    case "park":
      signal.throwIfAborted();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    case "throw plain":
      throw new TypeError("password=hunter2 at 10.0.0.7");
    case "throw connect":
      throw new ConnectError("그런 문서가 없습니다: 100% 확실, %41 \u{1f680}", Code.NotFound, { "x-error": "yes" });
    case "throw foreign":
      throw new ConnectError("failed on purpose", Code.Aborted);
    case "throw quartet":
      throw quartetError({
        code: Code.ResourceExhausted,
        reason: "OVERLOADED",
        message: "잠시 후 다시 시도하세요.",
        retryDelayMs: 1500,
        violations: [{ field: "text", description: "너무 깁니다" }],
        cause: new Error("the pool is empty"),
      });
    case "throw half a character":
      throw new ConnectError("cut \ud83d here", Code.NotFound);
    case "throw long":
      throw new ConnectError("가".repeat(20_000), Code.NotFound);
    case "sleep":
      await new Promise((resolve) => setTimeout(resolve, count));
  }
}

/** The handlers of the suite's service. */
export function createEchoHandlers(probe: Probe): Partial<ServiceImpl<typeof EchoService>> {
  const begin = (context: HandlerContext) => {
    probe.calls.push(context);
    context.responseHeader.set("x-header", "from the handler");
    context.responseTrailer.set("x-trailer", "at the end");
    context.responseTrailer.set("x-data-bin", Buffer.from([0, 255, 1]).toString("base64").replace(/=+$/, ""));
  };
  return {
    async echo(request, context) {
      begin(context);
      try {
        await act(request, context);
        const text = request.behaviour === "large" ? "x".repeat(request.count) : request.text;
        return { text, big: request.big, data: request.data };
      } finally {
        probe.finished.push("echo");
      }
    },
    async *count(request, context) {
      begin(context);
      try {
        for (let index = 0; index < request.count; index++) {
          probe.made = index + 1;
          yield { index, text: request.text };
        }
        await act(request, context);
      } finally {
        probe.finished.push("count");
      }
    },
    async gather(requests, context) {
      begin(context);
      try {
        let index = 0;
        let text = "";
        for await (const request of requests) {
          index++;
          text += request.text;
          await act(request, context);
        }
        return { index, text };
      } finally {
        probe.finished.push("gather");
      }
    },
    async *chat(requests, context) {
      begin(context);
      try {
        let index = 0;
        for await (const request of requests) {
          await act(request, context);
          yield { index: index++, text: request.text };
        }
      } finally {
        probe.finished.push("chat");
      }
    },
  };
}
