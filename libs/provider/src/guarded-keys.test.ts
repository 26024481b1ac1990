import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { createKeyPool, type KeyPool, NoKeyAvailableError } from "@quartet/key-pool";
import { type Breaker, CircuitOpenError, createBreaker } from "@quartet/resilience";
import { ClockExpiredError } from "./clocks.ts";
import { ConnectionError, ErrorReply, ProtocolError, StreamBrokenError } from "./errors.ts";
import { guardKeys } from "./guarded-keys.ts";
import { classify, failureOf } from "./verdict.ts";

const TO_OPEN = 3;
let breaker: Breaker;
let keys: KeyPool;
beforeEach(() => {
  breaker = createBreaker({ name: "provider", minimumCalls: TO_OPEN });
  const pool = createKeyPool({ keys: [{ label: "key-1", value: "sk" }], classify, maxAttempts: 1, maxRestWaitMs: 0 });
  keys = guardKeys(pool, breaker);
});
afterEach(() => breaker.close());

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const readAll = async (stream: AsyncIterable<unknown>) => {
  for await (const _ of stream);
};
const run = (error: unknown, signal?: AbortSignal) =>
  caught(keys.run(() => Promise.reject(error as Error), signal ? { signal } : {}));
const stream = (error: unknown, messages: number) =>
  caught(
    readAll(
      keys.stream(async function* () {
        for (let sent = 0; sent < messages; sent++) yield sent;
        throw error;
      }),
    ),
  );
/** Enough of them to open it, if they are what opens it. */
async function stateAfter(call: () => Promise<unknown>) {
  for (let calls = 0; calls < TO_OPEN; calls++) await call();
  return breaker.state;
}

describe("a breaker before a provider", () => {
  it.each<[string, unknown]>([
    ["no connection", new ConnectionError(new Error("x"))],
    ["a broken stream", new StreamBrokenError()],
    ["something else than the protocol", new ProtocolError("x")],
    ["its own errors", new ErrorReply({ status: 503 })],
    ["an error within the stream", new ErrorReply({ status: undefined })],
    ["no first token in a fair time", new ClockExpiredError("LLM_TTFT", true)],
    ["no more tokens", new ClockExpiredError("STREAM_STALLED", true)],
    ["no reply in time", new DOMException("late", "TimeoutError")],
  ])("opens on %s, whether or not it had begun", async (_what, error) => {
    expect(await stateAfter(() => run(error))).toBe("open");
    breaker.close();
    breaker = createBreaker({ name: "provider", minimumCalls: TO_OPEN });
    keys = guardKeys(
      createKeyPool({ keys: [{ label: "key-1", value: "sk" }], classify, maxAttempts: 1, maxRestWaitMs: 0 }),
      breaker,
    );
    expect(await stateAfter(() => stream(error, 1))).toBe("open");
  });

  it.each<[string, unknown]>([
    ["a request that is not taken", new ErrorReply({ status: 400 })],
    ["a limit", new ErrorReply({ status: 429 })],
    ["a wrong key", new ErrorReply({ status: 401 })],
    ["a caller in a hurry", new ClockExpiredError("LLM_TTFT", false)],
    ["the end of the caller's time", new ClockExpiredError("OUT_OF_TIME", true)],
    ["keys that rest", new NoKeyAvailableError("resting", 1)],
    ["a defect of ours", new TypeError("x")],
  ])("stays closed on %s", async (_what, error) => {
    expect(await stateAfter(() => run(error))).toBe("closed");
    expect(await stateAfter(() => stream(error, 1))).toBe("closed");
  });

  it("does not count callers who leave", async () => {
    const left = AbortSignal.abort(new Error("left"));
    expect(await stateAfter(() => run(new ConnectionError(undefined), left))).toBe("closed");
    const leave = async () => {
      for await (const _ of keys.stream(async function* () {
        yield 1;
        throw new StreamBrokenError();
      }))
        break;
    };
    expect(await stateAfter(leave)).toBe("closed");
  });

  it("refuses calls without asking a key, and says when to come back", async () => {
    await stateAfter(() => run(new StreamBrokenError()));
    const error = await run(new Error("not reached"));
    expect(error).toBeInstanceOf(CircuitOpenError);
    expect(await caught(readAll(keys.stream(async function* () {})))).toBeInstanceOf(CircuitOpenError);
    expect(keys.usage()[0]!.calls).toBe(TO_OPEN);
    expect(failureOf(error)).toMatchObject({ kind: "unavailable", retryDelayMs: expect.any(Number) });
  });
});
