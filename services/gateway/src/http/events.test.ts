import { describe, expect, it } from "@jest/globals";
import type { EndpointCall } from "@quartet/rpc";
import { eventOfBytes, sendEvents } from "./events.ts";

describe("sendEvents", () => {
  it("shows that it lives while nothing comes, and begins with that", async () => {
    const written: string[] = [];
    const headers = new Map<string, unknown>();
    const response = {
      headersSent: false,
      statusCode: 0,
      setHeader: (name: string, value: unknown) => headers.set(name, value),
    };
    const call = {
      response,
      write: async (part: string) => {
        response.headersSent = true;
        written.push(part);
      },
    } as unknown as EndpointCall;
    async function* events() {
      while (written.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      yield "data: 1\n\n";
    }
    await sendEvents(call, events(), { heartbeatMs: 10 });
    expect(written.slice(0, 2)).toEqual([": still there\n\n", ": still there\n\n"]);
    expect(written.at(-1)).toBe("data: 1\n\n");
    expect([response.statusCode, headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
    const count = written.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(written).toHaveLength(count);
  });
});

describe("eventOfBytes", () => {
  it.each([
    ['{"a":1}', 'data: {"a":1}\n\n'],
    ['{\n"가":1\r\n}', 'data: {\ndata: "가":1\ndata: }\n\n'],
  ])("has every line of JSON in a line of the event: %j", (json, event) => {
    expect(Buffer.from(eventOfBytes(Buffer.from(json))).toString()).toBe(event);
  });
});
