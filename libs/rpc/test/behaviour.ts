import { randomBytes } from "node:crypto";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { reasonOf, retryDelayMsOf, violationsOf } from "@quartet/errors";
import { type Client, createClient } from "../src/create-client.ts";
import { requestIdKey, requestIdOf } from "../src/principal.ts";
import { createEchoHandlers, createProbe, type Probe } from "./echo.ts";
import type { Authenticate } from "../src/index.ts";
import { type EchoResponse, EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

/** One way from a client to the handlers. */
export interface Way {
  readonly name: string;
  /** Starts a host with these limits and a transport to it. */
  open(setup: Setup): Promise<Opened>;
  /** Whether messages are encoded, so that their size can be limited. */
  readonly encodes: boolean;
  /** Whether a client can send while it receives. */
  readonly duplex: boolean;
}

export interface Setup {
  readonly handlers: ReturnType<typeof createEchoHandlers>;
  readonly maxBytes: number;
  readonly maxTimeoutMs: number;
  /** Of one port only. */
  readonly authenticate?: Authenticate;
}

export interface Opened {
  readonly transport: Transport;
  close(): Promise<void>;
}

const maxBytes = 64 * 1024;
/** Long enough for the slowest test on a busy machine: only tests of deadlines may meet one. */
const maxTimeoutMs = 20_000;

/** The one suite that every way must pass. */
export function describeBehaviour(way: Way): void {
  describe(way.name, () => {
    let probe: Probe;
    let opened: Opened;
    let client: Client<typeof EchoService>;
    const handlers = createEchoHandlers(proxy(() => probe));
    beforeAll(async () => {
      opened = await way.open({ handlers, maxBytes, maxTimeoutMs });
      client = createClient(EchoService, opened.transport);
    });
    beforeEach(() => {
      probe = createProbe();
    });
    afterAll(() => opened.close());

    describe("messages", () => {
      it("carries text, 64-bit numbers and bytes unchanged", async () => {
        const big = 2n ** 62n + 1n;
        const data = Uint8Array.of(0, 255, 128);
        const response = await client.echo({ text: "안녕하세요 \u{1f680}", big, data });
        expect(response).toMatchObject({ text: "안녕하세요 \u{1f680}", big });
        expect(response.data).toEqual(data);
      });

      it("carries an empty message", async () => {
        expect((await client.echo({})).text).toBe("");
      });

      it("streams from the server, in order, to the end", async () => {
        expect(await indexes(client.count({ count: 300 }))).toEqual(Array.from({ length: 300 }, (_, index) => index));
        await probe.until(() => probe.finished.length === 1);
      });

      it("streams nothing", async () => {
        expect(await indexes(client.count({ count: 0 }))).toEqual([]);
      });

      it("carries headers both ways, and trailers", async () => {
        const seen: Record<string, string | null> = {};
        const options = {
          headers: { "x-custom": "to the handler", "x-request-id": "test-1" },
          onHeader: (headers: Headers) => void (seen["header"] = headers.get("x-header")),
          onTrailer: (headers: Headers) => void (seen["trailer"] = headers.get("x-trailer")),
        };
        await client.echo({}, options);
        expect(seen).toEqual({ header: "from the handler", trailer: "at the end" });
        expect(probe.calls[0]?.requestHeader.get("x-custom")).toBe("to the handler");
        expect(requestIdOf(probe.calls[0]!)).toBe("test-1");
        await indexes(client.count({ count: 1 }, options));
        expect(seen).toEqual({ header: "from the handler", trailer: "at the end" });
      });

      it("gives every call an id, and says it", async () => {
        let answered: string | null = null;
        await client.echo({}, { onHeader: (headers) => (answered = headers.get("x-request-id")) });
        expect(answered).toMatch(/^[0-9a-f-]{36}$/);
        expect(probe.calls[0]?.values.get(requestIdKey)).toBe(answered);
      });
    });

    describe("errors", () => {
      it.each(["unary", "stream"] as const)("carries code, text and details of a %s call", async (kind) => {
        const error = await failure(call(client, kind, { behaviour: "throw quartet" }));
        expect(error).toMatchObject({ code: Code.ResourceExhausted, rawMessage: "잠시 후 다시 시도하세요." });
        expect(reasonOf(error)).toBe("OVERLOADED");
        expect(retryDelayMsOf(error)).toBe(1500);
        expect(violationsOf(error)).toEqual([{ field: "text", description: "너무 깁니다" }]);
        expect(error.cause).toBeUndefined();
      });

      it.each(["unary", "stream"] as const)("carries text outside of ASCII exactly, in a %s call", async (kind) => {
        const error = await failure(call(client, kind, { behaviour: "throw connect" }));
        expect(error).toMatchObject({
          code: Code.NotFound,
          rawMessage: "그런 문서가 없습니다: 100% 확실, %41 \u{1f680}",
        });
        expect(reasonOf(error)).toBe("NOT_FOUND");
        expect(error.metadata.get("x-error")).toBe("yes");
      });

      it.each(["unary", "stream"] as const)(
        "says nothing of what a handler did not mean to say, in a %s call",
        async (kind) => {
          const error = await failure(call(client, kind, { behaviour: "throw plain" }));
          expect(error.code).toBe(Code.Internal);
          expect(reasonOf(error)).toBe("INTERNAL");
          expect(JSON.stringify([error.message, [...error.metadata]])).not.toMatch(/hunter2|10\.0\.0/);
        },
      );

      it("tells it after the messages that were sent before", async () => {
        const seen: number[] = [];
        const error = await failure(
          (async () => {
            for await (const { index } of client.count({ count: 3, behaviour: "throw quartet" })) seen.push(index);
          })(),
        );
        expect(seen).toEqual([0, 1, 2]);
        expect(reasonOf(error)).toBe("OVERLOADED");
      });

      it("survives text that no encoding can carry, or no header can hold", async () => {
        expect((await failure(client.echo({ behaviour: "throw half a character" }))).code).toBe(Code.NotFound);
        expect((await failure(client.echo({ behaviour: "throw long" }))).code).toBe(Code.NotFound);
        expect((await client.echo({ text: "still there" })).text).toBe("still there");
      });

      it("refuses a request that breaks a rule, and names the field", async () => {
        for (const kind of ["unary", "stream"] as const) {
          const error = await failure(call(client, kind, { count: -1 }));
          expect(error.code).toBe(Code.InvalidArgument);
          expect(reasonOf(error)).toBe("FIELD_INVALID");
          expect(violationsOf(error).map(({ field }) => field)).toEqual(["count"]);
        }
        expect(probe.calls.length).toBe(0);
      });

      it("looks for broken rules in messages inside their own type", async () => {
        const error = await failure(client.echo({ child: { child: { count: -1 } } }));
        expect(violationsOf(error).map(({ field }) => field)).toEqual(["child.child.count"]);
      });

      it("has no such method", async () => {
        const error = await failure(client.missing({}));
        expect(error.code).toBe(Code.Unimplemented);
        expect(reasonOf(error)).toBe("NOT_ENABLED");
      });
    });

    describe("deadline", () => {
      it.each(["unary", "stream"] as const)("ends a %s call in time, though its handler is deaf", async (kind) => {
        const startedAt = performance.now();
        const error = await failure(call(client, kind, { behaviour: "park deaf" }, { timeoutMs: 60 }));
        expect(error.code).toBe(Code.DeadlineExceeded);
        expect(reasonOf(error)).toBe("OUT_OF_TIME");
        expect(performance.now() - startedAt).toBeLessThan(1000);
      });

      it("reaches the handler as time left and as a signal", async () => {
        // A busy machine may take longer than a short deadline until the handler begins: then a longer one is tried.
        for (let timeoutMs = 80; probe.calls.length === 0 && timeoutMs < maxTimeoutMs; timeoutMs *= 2) {
          await failure(client.echo({ behaviour: "park" }, { timeoutMs }));
        }
        await probe.until(() => probe.finished.length === probe.calls.length);
        expect(probe.calls[0]?.signal.aborted).toBe(true);
        expect(probe.calls[0]?.timeoutMs()).toBeLessThanOrEqual(maxTimeoutMs);
      });

      it("has a default, and a maximum that the caller cannot pass", async () => {
        await client.echo({});
        await client.echo({}, { timeoutMs: 99_999_999 });
        for (const { timeoutMs } of probe.calls) expect(timeoutMs()).toBeLessThanOrEqual(maxTimeoutMs);
      });

      it("of an earlier signal counts as a deadline too", async () => {
        const error = await failure(client.echo({ behaviour: "park" }, { signal: AbortSignal.timeout(50) }));
        expect(error.code).toBe(Code.DeadlineExceeded);
      });
    });

    describe("cancel", () => {
      it("before the call sends nothing", async () => {
        const signal = AbortSignal.abort();
        for (const kind of ["unary", "stream"] as const) {
          expect((await failure(call(client, kind, {}, { signal }))).code).toBe(Code.Canceled);
        }
        expect(probe.calls.length).toBe(0);
      });

      it.each(["unary", "stream"] as const)("while the handler of a %s call works ends both", async (kind) => {
        const controller = new AbortController();
        const failed = failure(call(client, kind, { behaviour: "park" }, { signal: controller.signal }));
        await probe.until(() => probe.calls.length === 1);
        controller.abort();
        expect((await failed).code).toBe(Code.Canceled);
        await probe.until(() => probe.finished.length === 1);
      });

      it("between messages ends the stream at both ends", async () => {
        const controller = new AbortController();
        const seen: number[] = [];
        const request = { count: 100_000 };
        const error = await failure(
          (async () => {
            for await (const { index } of client.count(request, { signal: controller.signal })) {
              if (seen.push(index) === 5) controller.abort();
            }
          })(),
        );
        expect(error.code).toBe(Code.Canceled);
        expect(seen).toHaveLength(5);
        await probe.until(() => probe.finished.length === 1);
      });

      it("of a stream that nobody reads runs the handler's finally", async () => {
        const controller = new AbortController();
        const stream = client.count({ count: 1_000_000, text: "x".repeat(1000) }, { signal: controller.signal });
        await stream.next();
        await probe.until(() => probe.made > 0);
        controller.abort();
        await probe.until(() => probe.finished.length === 1);
        expect(probe.made).toBeLessThan(1_000_000);
      });

      it("after the last message changes nothing", async () => {
        const controller = new AbortController();
        expect(await indexes(client.count({ count: 2 }, { signal: controller.signal }))).toEqual([0, 1]);
        await client.echo({}, { signal: controller.signal });
        controller.abort();
        expect((await client.echo({ text: "next" })).text).toBe("next");
      });

      it.each(["break", "throw", "return()"] as const)("by %s reaches the handler", async (how) => {
        const stream = client.count({ count: 1_000_000, text: "x".repeat(100) });
        if (how === "return()") {
          await stream.next();
          await stream.return();
        } else {
          await leave(stream, how);
        }
        await probe.until(() => probe.finished.length === 1);
        expect(await stream.next()).toEqual({ done: true, value: undefined });
      });

      it("by return() does not wait for a read that is pending", async () => {
        const stream = client.count({ behaviour: "park deaf" });
        const pending = stream.next();
        await probe.until(() => probe.calls.length === 1);
        await stream.return();
        expect(await pending).toEqual({ done: true, value: undefined });
        await probe.until(() => probe.calls[0]!.signal.aborted);
      });
    });

    describe("slow reader", () => {
      it("holds the handler back, and gets everything in order when it reads on", async () => {
        const count = 1_000_000;
        // Hosts compress: of equal letters thousands of messages would fit into what is between the ends.
        const stream = client.count({ count, text: randomBytes(30_000).toString("hex") });
        await stream.next();
        await settled(() => probe.made);
        expect(probe.made).toBeLessThan(count);
        for (let expected = 1; expected < 100; expected++) {
          expect((await stream.next()).value?.index).toBe(expected);
        }
        await stream.return();
        await probe.until(() => probe.finished.length === 1);
      });
    });

    if (way.encodes) {
      describe("size", () => {
        it("of a request over the limit is refused", async () => {
          const error = await failure(client.echo({ text: "x".repeat(maxBytes + 1) }));
          expect(error.code).toBe(Code.ResourceExhausted);
          expect(reasonOf(error)).toBe("MESSAGE_TOO_LARGE");
          expect(probe.calls.length).toBe(0);
        });

        it("of a response over the limit is an error", async () => {
          const error = await failure(client.echo({ behaviour: "large", count: maxBytes + 1 }));
          expect(error.code).toBe(Code.ResourceExhausted);
          expect(reasonOf(error)).toBe("MESSAGE_TOO_LARGE");
        });

        it("within the limit passes, whole", async () => {
          const text = "한".repeat(maxBytes / 3 - 20);
          expect((await client.echo({ text })).text).toBe(text);
        });
      });
    }

    if (way.duplex) {
      describe("client streams", () => {
        it("are gathered to the end", async () => {
          expect(await client.gather(texts("가", "나", "다"))).toMatchObject({ index: 3, text: "가나다" });
        });

        it("may be empty", async () => {
          expect((await client.gather(texts())).index).toBe(0);
        });

        it("are validated message by message", async () => {
          const requests = (async function* () {
            yield { text: "a" };
            yield { count: -1 };
          })();
          expect(reasonOf(await failure(client.gather(requests)))).toBe("FIELD_INVALID");
        });

        it("end with the error of the handler while the client still sends", async () => {
          const error = await failure(client.gather(endless({ behaviour: "throw quartet" })));
          expect(reasonOf(error)).toBe("OVERLOADED");
        });

        it("that fail on the client's side end the call", async () => {
          const requests = (async function* () {
            yield { text: "a" };
            throw new ConnectError("the source failed", Code.Aborted);
          })();
          await expect(client.gather(requests)).rejects.toThrow(ConnectError);
          await probe.until(() => probe.calls[0]?.signal.aborted === true);
        });

        it("converse", async () => {
          const seen: string[] = [];
          for await (const { text } of client.chat(texts("a", "b", "c"))) seen.push(text);
          expect(seen).toEqual(["a", "b", "c"]);
        });

        it("are left in the middle of a conversation", async () => {
          for await (const { index } of client.chat(endless({ text: "x" }))) if (index === 3) break;
          await probe.until(() => probe.finished.length === 1);
        });
      });
    }
  });
}

type Request = Parameters<Client<typeof EchoService>["echo"]>[0];
type Options = Parameters<Client<typeof EchoService>["echo"]>[1];

/** One call, of either kind, to its end. */
async function call(
  client: Client<typeof EchoService>,
  kind: "unary" | "stream",
  request: Request,
  options?: Options,
): Promise<void> {
  if (kind === "unary") await client.echo(request, options);
  else await indexes(client.count(request, options));
}

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) throw new Error(`Not a ConnectError: ${String(error)}`);
  return error;
}

async function indexes(stream: AsyncIterable<EchoResponse>): Promise<number[]> {
  const seen: number[] = [];
  for await (const { index } of stream) seen.push(index);
  return seen;
}

async function leave(stream: AsyncIterable<EchoResponse>, how: "break" | "throw"): Promise<void> {
  try {
    for await (const _ of stream) {
      if (how === "break") break;
      throw new Error("the reader's own");
    }
  } catch (error) {
    expect(error).toMatchObject({ message: "the reader's own" });
  }
}

/** Waits until a number has not changed for 60 ms. */
async function settled(read: () => number): Promise<void> {
  for (let last = -1; last !== read();) {
    last = read();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

async function* texts(...all: string[]): AsyncGenerator<Request> {
  for (const text of all) yield { text };
}

async function* endless(request: Request): AsyncGenerator<Request> {
  for (;;) {
    yield request;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The probe of the test that runs. */
function proxy(current: () => Probe): Probe {
  return {
    get calls() {
      return current().calls;
    },
    get finished() {
      return current().finished;
    },
    get made() {
      return current().made;
    },
    set made(value) {
      current().made = value;
    },
    until: (condition) => current().until(condition),
  };
}
