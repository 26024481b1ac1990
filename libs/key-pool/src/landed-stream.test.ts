import { afterEach, expect, it } from "@jest/globals";
import { type Limit, openLimit } from "@quartet/resilience";
import { createEntry } from "./entry.ts";
import { streamLanded } from "./landed-stream.ts";

const scopes: Limit[] = [];
afterEach(() => scopes.splice(0).forEach((scope) => scope.close()));

/** A stream whose messages come when the test says so. */
function open() {
  const told = { landed: 0, broken: [] as unknown[], left: 0 };
  const sent: PromiseWithResolvers<IteratorResult<string>>[] = [];
  const scope = openLimit(undefined, { limitMs: 60_000, error: () => new Error("too late") });
  scopes.push(scope);
  const messages = {
    next: () => {
      const next = Promise.withResolvers<IteratorResult<string>>();
      sent.push(next);
      return next.promise;
    },
    return: () => {
      told.left += 1;
      return new Promise<never>(() => undefined);
    },
  };
  const call = { entry: createEntry({ label: "key-1", value: "sk" }), number: 1, heard: true, emptyMs: 0 };
  const stream = streamLanded<string>({
    land: async () => {
      told.landed += 1;
      return { value: { messages, first: { value: "first" } }, call, scope };
    },
    onBroken: (_call, error) => void told.broken.push(error),
  });
  return { stream, told, sent, signal: scope.signal };
}

const over = { done: true, value: undefined };

it("makes no call before the first message is asked for, nor for a reader who leaves before", async () => {
  const { stream, told } = open();
  expect(await stream.return()).toEqual(over);
  expect(await stream.next()).toEqual(over);
  expect(told).toEqual({ landed: 0, broken: [], left: 0 });
});

it("gives messages in order to reads that do not wait for each other, of one call", async () => {
  const { stream, told, sent, signal } = open();
  const reads = [stream.next(), stream.next(), stream.next()];
  expect(await reads[0]).toEqual({ value: "first" });
  await new Promise((resolve) => setImmediate(resolve));
  sent[0]!.resolve({ value: "second" });
  expect(await reads[1]).toEqual({ value: "second" });
  expect(signal.aborted).toBe(false);
  sent[1]!.resolve({ done: true, value: undefined });
  expect(await reads[2]).toEqual(over);
  expect(signal.aborted).toBe(true);
  expect(told).toEqual({ landed: 1, broken: [], left: 1 });
  expect(await stream.next()).toEqual(over);
});

it("lets a message that is awaited come before the reader leaves, and does not wait for its source", async () => {
  const { stream, told, sent, signal } = open();
  await stream.next();
  const [read, left] = [stream.next(), stream.return()];
  expect(signal.aborted).toBe(false);
  sent[0]!.resolve({ value: "second" });
  expect(await read).toEqual({ value: "second" });
  expect(await left).toEqual(over);
  expect(signal.aborted).toBe(true);
  expect(told).toEqual({ landed: 1, broken: [], left: 1 });
});

it("tells of a stream that breaks once, and is over then", async () => {
  const { stream, told, sent, signal } = open();
  await stream.next();
  const read = stream.next();
  sent[0]!.reject(new Error("broke"));
  await expect(read).rejects.toThrow("broke");
  expect(told.broken).toEqual([new Error("broke")]);
  expect(signal.aborted).toBe(true);
  expect(await stream.next()).toEqual(over);
});

it("is left by await using, and by whoever throws into it", async () => {
  const disposed = open();
  await disposed.stream.next();
  await disposed.stream[Symbol.asyncDispose]();
  expect(disposed.signal.aborted).toBe(true);
  const thrown = open();
  await thrown.stream.next();
  await expect(thrown.stream.throw(new Error("left"))).rejects.toThrow("left");
  expect(thrown.signal.aborted).toBe(true);
  expect(thrown.told.broken).toEqual([]);
});
