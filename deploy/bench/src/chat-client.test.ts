import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type FakeProvider, startFakeProvider } from "@quartet/testing";
import { chatBody, type ChatClient, createChatClient } from "./chat-client.ts";

let provider: FakeProvider;
const clients: ChatClient[] = [];
beforeEach(async () => {
  provider = await startFakeProvider({ answer: ["first ", "second"] });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await provider.close();
});

const open = (streamed: boolean): ChatClient => {
  const { origin } = new URL(provider.baseUrl);
  const client = createChatClient({ name: "it", url: origin, connections: 2, streamed });
  clients.push(client);
  return client;
};
const body = (streamed: boolean) => chatBody(1, { bytes: 1_024, streamed, model: "m" });

describe("a chat", () => {
  it("is of the size that is asked for, and like no other", () => {
    const [one, two] = [chatBody(1, { bytes: 1_024, streamed: true, model: "m" }), body(false)];
    const contentOf = (text: string) => (JSON.parse(text) as { messages: [{ content: string }] }).messages[0].content;
    expect([contentOf(one).length, contentOf(two).length]).toEqual([1_024, 1_024]);
    expect(contentOf(chatBody(2, { bytes: 1_024, streamed: false, model: "m" }))).not.toBe(contentOf(two));
    expect([one.includes('"stream":true'), two.includes("stream")]).toEqual([true, false]);
  });

  it("that is streamed has its first token when there is text, not when the stream begins", async () => {
    provider.set({ firstPieceMs: 60, pieceMs: 60 });
    const { firstMs, totalMs } = await open(true).send(body(true));
    expect(firstMs).toBeGreaterThan(50);
    expect(totalMs - firstMs).toBeGreaterThan(40);
  });

  it("that is not streamed is all there at once", async () => {
    const { firstMs, totalMs } = await open(false).send(body(false));
    expect(totalMs - firstMs).toBeLessThan(firstMs);
  });

  it.each([
    [{ cut: { afterPieces: 1, by: "end" } } as const, "it broke off a stream"],
    [{ error: { status: 503, type: "t", code: null, message: "m" } }, "it answered 503"],
    [{ answer: [] }, "it broke off a stream"],
  ])("is an error when it is not whole: %j", async (behaviour, message) => {
    provider.set(behaviour);
    await expect(open(true).send(body(true))).rejects.toThrow(message);
  });

  it("is an error when the model did not end it by itself", async () => {
    provider.set({ finishReason: "length" });
    await expect(open(false).send(body(false))).rejects.toThrow("it answered 200");
  });
});
