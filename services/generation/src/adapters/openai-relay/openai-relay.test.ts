import { afterEach, expect, it } from "@jest/globals";
import { createKeyPool } from "@quartet/key-pool";
import { classify, createProviderClient, type ProviderReply } from "@quartet/provider";
import { startFakeProvider, until } from "@quartet/testing";
import type { Usage } from "../../domain/answerer.ts";
import { checkChat } from "../../domain/relay/chat-rules.ts";
import { createPace } from "../pace.ts";
import { createOpenAiRelay } from "./openai-relay.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

it.each([true, false])("bills a chat that is given up, unless it never went out (streamed: %s)", async (stream) => {
  const provider = await startFakeProvider({ hang: true });
  const client = createProviderClient({ baseUrl: provider.baseUrl, connections: 1, maxReplyBytes: 1_000_000 });
  closers.push(
    () => provider.close(),
    () => client.close(),
  );
  const keys = createKeyPool({ keys: [{ label: "key-1", value: "sk-1" }], classify });
  const limits = { totalTimeoutMs: 60_000, firstTokenTimeoutMs: 60_000, stallTimeoutMs: 60_000 };
  const pace = createPace({ maxRestMs: 50 });
  const relay = createOpenAiRelay({ client, keys, pace, maxWholeReplyBytes: 1_000_000, ...limits });
  const body = Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: "연차는?" }], stream }));
  const chat = checkChat(body, { maxTokensField: "max_tokens" });

  /** Asks, and gives up when told to. */
  const ask = () => {
    const caller = new AbortController();
    const usages: Usage[] = [];
    const options = { tenant: "t", signal: caller.signal, onUsage: (usage: Usage) => void usages.push(usage) };
    const reading = (async () => {
      if (!stream) return void (await relay.complete(chat, options));
      for await (const _event of relay.stream(chat, options));
    })();
    const leave = async () => {
      caller.abort(new Error("left"));
      await reading.catch(() => undefined);
      return usages;
    };
    return { leave };
  };
  const first = ask();
  await provider.arrived(1);
  const second = ask();
  await until(() => client.figures().waitingCount === 1);
  expect(await second.leave()).toMatchObject([{ inputTokens: 0, outputTokens: 0, estimated: false }]);
  expect(await first.leave()).toMatchObject([{ inputTokens: expect.any(Number), estimated: true }]);
  expect(keys.usage()[0]!.inputTokens).toBeGreaterThan(0);
  expect(provider.requests).toHaveLength(1);
});

it("splits what came together where it is more than a message may have, and loses none of it", async () => {
  const client = createProviderClient({ connections: 1, maxReplyBytes: 1_000_000 });
  closers.push(() => client.close());
  const keys = createKeyPool({ keys: [{ label: "key-1", value: "sk-1" }], classify });
  const content = "가".repeat(400_000);
  const sent = ["", "", "", "", "stop"].map((reason) => {
    const value = { choices: [{ index: 0, delta: { content }, finish_reason: reason || null }] };
    return { data: JSON.stringify(value), value };
  });
  const reply: Pick<ProviderReply, "events" | "linger"> = {
    async *events() {
      yield sent;
    },
    linger: async () => undefined,
  };
  const relay = createOpenAiRelay({
    client: { ...client, post: async () => reply as ProviderReply },
    keys,
    pace: createPace({ maxRestMs: 50 }),
    maxWholeReplyBytes: 1_000_000,
    ...{ totalTimeoutMs: 60_000, firstTokenTimeoutMs: 60_000, stallTimeoutMs: 60_000 },
  });
  const body = Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: "?" }], stream: true }));
  const chat = checkChat(body, { maxTokensField: "max_tokens" });
  const parts: Uint8Array[] = [];
  for await (const event of relay.stream(chat, { tenant: "t", signal: new AbortController().signal })) {
    if (event.kind === "chunk") parts.push(event.json);
  }
  expect(Math.max(...parts.map(({ byteLength }) => byteLength))).toBeLessThan(4 * 1024 ** 2);
  const lines = parts.flatMap((part) => Buffer.from(part).toString().split("\n"));
  expect(lines).toEqual(sent.map(({ data }) => data));
});
