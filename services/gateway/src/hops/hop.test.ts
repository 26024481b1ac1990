import { Code } from "@connectrpc/connect";
import { quartetError, type Reason, reasonOf } from "@quartet/errors";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { describe, expect, it } from "@jest/globals";
import type { Call } from "../domain/stages.ts";
import { createHop } from "./hop.ts";
import { createHopEvents } from "./hop-events.ts";

const clocks = { firstMs: 10_000, idleMs: 10_000 };

const call = (fields: Partial<Call> = {}): Call => ({
  signal: new AbortController().signal,
  timeoutMs: 10_000,
  floorMs: 1,
  origin: undefined,
  ...fields,
});

const fails = (reason: Reason, code = Code.Unavailable) =>
  quartetError({ code, reason, message: "It failed, and says so." });

function setUp({ maxInFlight = 10, fairMs = 0 } = {}) {
  const logged: string[] = [];
  const metrics = createMetrics({ component: "gateway", processMetrics: false });
  const log = createLogger({ service: "gateway", destination: { write: (line) => void logged.push(line) } });
  const hop = createHop({ name: "retrieval", maxInFlight, fairMs, ...createHopEvents("retrieval", { log, metrics }) });
  return {
    hop,
    logged,
    metric: async (name: string) => {
      const { text } = await metrics.exposition();
      return Number(new RegExp(`^${name.replace("}", "[^}]*}")} (\\S+)$`, "m").exec(text)?.[1]);
    },
    [Symbol.dispose]: () => {
      hop.close();
      metrics.close();
    },
  };
}

const drain = async (stream: AsyncIterable<unknown>): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const each of stream) all.push(each);
  return all;
};

describe("a call to an inner service", () => {
  it("is tried again after a lost connection, which nobody hears of but the metrics", async () => {
    using gateway = setUp();
    let attempts = 0;
    const result = await gateway.hop.unary(call(), async () => {
      attempts += 1;
      if (attempts === 1) throw fails("UPSTREAM_LOST");
      return "found";
    });
    expect([result, attempts]).toEqual(["found", 2]);
    expect(await gateway.metric('quartet_hop_retries_total{hop="retrieval"}')).toBe(1);
    expect(await gateway.metric('quartet_hop_settled_total{hop="retrieval",outcome="success"}')).toBe(1);
  });

  it.each([
    ["a provider's fault, which its key pool has retried", fails("LLM_UNAVAILABLE")],
    ["a defect", fails("INTERNAL", Code.Internal)],
    ["a caller's mistake", fails("FIELD_INVALID", Code.InvalidArgument)],
    ["a limit", fails("OVERLOADED", Code.ResourceExhausted)],
  ])("is not tried again after %s", async (_, error) => {
    using gateway = setUp();
    let attempts = 0;
    const work = async () => {
      attempts += 1;
      throw error;
    };
    await expect(gateway.hop.unary(call(), work)).rejects.toMatchObject({ code: error.code });
    expect(attempts).toBe(1);
  });

  it("is not tried again without time for it", async () => {
    using gateway = setUp();
    let attempts = 0;
    const work = async () => {
      attempts += 1;
      throw fails("UPSTREAM_LOST");
    };
    await expect(gateway.hop.unary(call({ timeoutMs: 500, floorMs: 500 }), work)).rejects.toMatchObject({
      code: Code.Unavailable,
    });
    expect(attempts).toBe(1);
  });

  it("is not tried again once its caller has left", async () => {
    using gateway = setUp();
    const left = new AbortController();
    let attempts = 0;
    const work = async () => {
      attempts += 1;
      left.abort();
      throw fails("UPSTREAM_LOST");
    };
    await expect(gateway.hop.unary(call({ signal: left.signal }), work)).rejects.toThrow();
    expect(attempts).toBe(1);
    expect(await gateway.metric('quartet_hop_settled_total{hop="retrieval",outcome="neutral"}')).toBe(1);
  });

  it("ends at its grant even when the service does not listen", async () => {
    using gateway = setUp();
    const deaf = () => new Promise<never>(() => undefined);
    const error = await gateway.hop.unary(call({ timeoutMs: 30 }), deaf).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: Code.DeadlineExceeded });
    expect(reasonOf(error)).toBe("OUT_OF_TIME");
  });

  it("is refused when the service's places and the queue before them are full", async () => {
    using gateway = setUp({ maxInFlight: 1 });
    const { promise: goOn, resolve: release } = Promise.withResolvers<string>();
    const held = [gateway.hop.unary(call(), () => goOn), gateway.hop.unary(call(), () => goOn)];
    const error = await gateway.hop.unary(call(), async () => "never").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: Code.ResourceExhausted });
    expect(reasonOf(error)).toBe("OVERLOADED");
    release("done");
    expect(await Promise.all(held)).toEqual(["done", "done"]);
  });
});

describe("the breaker of a service", () => {
  const many = async (gateway: ReturnType<typeof setUp>, error: unknown, fields: Partial<Call> = {}) => {
    for (let count = 0; count < 25; count += 1) {
      await gateway.hop.unary(call(fields), () => Promise.reject(error)).catch(() => undefined);
    }
  };

  const manyStreams: typeof many = async (gateway, error, fields = {}) => {
    const open = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) });
    for (let count = 0; count < 25; count += 1) {
      await drain(gateway.hop.stream(call(fields), clocks, open)).catch(() => undefined);
    }
  };

  it("opens on faults, and is seen to", async () => {
    using gateway = setUp();
    await many(gateway, fails("INTERNAL", Code.Internal));
    expect(gateway.hop.breaker.state).toBe("open");
    expect(await gateway.metric('quartet_hop_breaker_open{hop="retrieval"}')).toBe(1);
    expect(await gateway.metric('quartet_hop_breaker_refused_total{hop="retrieval"}')).toBeGreaterThan(0);
    expect(gateway.logged.join("")).toContain('"to":"open"');
    const error = await gateway.hop.unary(call(), async () => "fine").catch((reason: unknown) => reason);
    expect(reasonOf(error)).toBe("CIRCUIT_OPEN");
  });

  it.each([
    ["callers' mistakes", fails("FIELD_INVALID", Code.InvalidArgument)],
    ["limits", fails("LLM_RATE_LIMIT", Code.ResourceExhausted)],
    ["restarts", fails("DRAINING")],
  ])("stays closed for %s", async (_, error) => {
    using gateway = setUp();
    await many(gateway, error, { timeoutMs: 40, floorMs: 30 });
    expect(gateway.hop.breaker.state).toBe("closed");
    expect(await gateway.metric('quartet_hop_breaker_open{hop="retrieval"}')).toBe(0);
  });

  it.each([
    ["call", fails("OUT_OF_TIME", Code.DeadlineExceeded)],
    ["stream", fails("OUT_OF_TIME", Code.DeadlineExceeded)],
    ["stream", fails("LLM_TTFT")],
  ])("stays closed for callers that give a %s no fair time: %s", async (kind, late) => {
    using gateway = setUp({ fairMs: 500 });
    const ask = kind === "call" ? many : manyStreams;
    await ask(gateway, late, { timeoutMs: 20 });
    expect(gateway.hop.breaker.state).toBe("closed");
    await ask(gateway, late, { timeoutMs: 500 });
    expect(gateway.hop.breaker.state).toBe("open");
  });
});

describe("a stream from an inner service", () => {
  it("is never tried again", async () => {
    using gateway = setUp();
    let opened = 0;
    const open = async function* () {
      opened += 1;
      yield "first";
      throw fails("UPSTREAM_LOST");
    };
    await expect(drain(gateway.hop.stream(call(), clocks, open))).rejects.toMatchObject({ code: Code.Unavailable });
    expect(opened).toBe(1);
    expect(await gateway.metric('quartet_hop_settled_total{hop="retrieval",outcome="failure"}')).toBe(1);
  });

  it("that its reader leaves is aborted at once, and held against nobody", async () => {
    using gateway = setUp();
    let signal: AbortSignal | undefined;
    for await (const each of gateway.hop.stream(call(), clocks, async function* (options) {
      signal = options.signal;
      for (;;) yield "token";
    })) {
      expect(each).toBe("token");
      break;
    }
    expect(signal?.aborted).toBe(true);
    expect(await gateway.metric('quartet_hop_settled_total{hop="retrieval",outcome="neutral"}')).toBe(1);
  });

  it.each([
    ["does not begin", { ...clocks, firstMs: 30 }, "LLM_TTFT"],
    ["pauses", { ...clocks, idleMs: 30 }, "STREAM_STALLED"],
  ] as const)("that %s in time ends by its clock", async (name, limits, reason) => {
    using gateway = setUp();
    const open = async function* () {
      if (name === "pauses") yield "token";
      await new Promise(() => undefined);
    };
    const error = await drain(gateway.hop.stream(call(), limits, open)).catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe(reason);
  });
});
