import { describe, expect, it } from "@jest/globals";
import { createKeyPool } from "@quartet/key-pool";
import { classify, StreamBrokenError } from "@quartet/provider";
import { answerStream } from "./answer-stream.ts";
import { createBill } from "../bill.ts";
import { createPace } from "../pace.ts";
import type { ChatClient } from "./chat-client.ts";

const event = (delta: object, finishReason: string | null = null) => {
  const value = { choices: [{ delta, finish_reason: finishReason }] };
  return { data: JSON.stringify(value), value };
};

/** A provider that sends these events, and then fails. */
const brokenAfter = (...events: ReturnType<typeof event>[]): ChatClient => ({
  open: async () => ({
    async *events() {
      yield events;
      throw new StreamBrokenError();
    },
    linger: async () => undefined,
  }),
});

async function read(chat: ChatClient) {
  const keys = createKeyPool({ keys: [{ label: "key-1", value: "sk" }], classify });
  const { signal } = new AbortController();
  const stream = answerStream({
    chat,
    keys,
    pace: createPace({ maxRestMs: 50 }),
    request: { messages: [] },
    bill: createBill(),
    signal,
    timeoutMs: 10_000,
    waitsForKey: true,
  });
  const texts: string[] = [];
  let error: unknown;
  try {
    for await (const { text } of stream) texts.push(text);
  } catch (thrown) {
    error = thrown;
  }
  return { text: texts.join(""), error, errors: keys.usage()[0]!.errors };
}

describe("a stream that breaks", () => {
  it("is an error before the finish reason", async () => {
    const { text, error, errors } = await read(brokenAfter(event({ content: "하나" })));
    expect({ text, errors }).toEqual({ text: "하나", errors: 1 });
    expect(error).toBeInstanceOf(StreamBrokenError);
  });

  it("is whole after it, and speaks against nobody", async () => {
    const chat = brokenAfter(event({ content: "하나" }), event({}, "stop"));
    expect(await read(chat)).toEqual({ text: "하나", error: undefined, errors: 0 });
  });
});
