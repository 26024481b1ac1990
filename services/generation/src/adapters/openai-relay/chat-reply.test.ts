import { describe, expect, it } from "@jest/globals";
import { ProtocolError } from "@quartet/provider";
import { readRelayedEvent } from "./chat-reply.ts";

const eventOf = (delta: string): unknown => JSON.parse(`{"choices":[{"index":0,"delta":${delta}}]}`);

describe("readRelayedEvent", () => {
  it("counts whatever the model writes, and not who writes it", () => {
    expect(readRelayedEvent(eventOf('{"role":"assistant"}')).characters).toBe(0);
    expect(readRelayedEvent(eventOf('{"content":"연차","refusal":null}')).characters).toBe(2);
    expect(readRelayedEvent(eventOf('{"tool_calls":[{"index":0}]}')).characters).toBe('[{"index":0}]'.length);
  });

  it("takes what is nested without end for a fault of the provider", () => {
    const nested = "[".repeat(200_000) + "]".repeat(200_000);
    expect(() => readRelayedEvent(eventOf(`{"x":${nested}}`))).toThrow(ProtocolError);
  });
});
