import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { createClient } from "../src/create-client.ts";
import { createInMemoryTransport } from "../src/in-memory-transport.ts";
import { createEchoHandlers, createProbe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

beforeEach(() => void jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask", "setImmediate"] }));
afterEach(() => void jest.useRealTimers());

it("leaves no timer behind, also where its caller aborts and does not read on", async () => {
  const transport = createInMemoryTransport((add) => add(EchoService, createEchoHandlers(createProbe())));
  const controller = new AbortController();
  const stream = createClient(EchoService, transport).count({ count: 1_000 }, { signal: controller.signal });
  await stream.next();
  expect(jest.getTimerCount()).toBeGreaterThan(0);
  controller.abort();
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(jest.getTimerCount()).toBe(0);
});
