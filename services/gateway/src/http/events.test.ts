import { describe, expect, it } from "@jest/globals";
import type { EndpointCall } from "@quartet/rpc";
import { eventsOfLines, sendEvents } from "./events.ts";

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

describe("eventsOfLines", () => {
  it.each([
    ['{"가":"👩‍👩‍👧"}', 'data: {"가":"👩‍👩‍👧"}\n\n'],
    ['{"a":1}\n{"b":"\\n"}', 'data: {"a":1}\n\ndata: {"b":"\\n"}\n\n'],
  ])("has an event for every line: %j", (lines, events) => {
    expect(eventsOfLines(Buffer.from(lines)).toString()).toBe(events);
  });
});
