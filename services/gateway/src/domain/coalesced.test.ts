import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { coalesced, type Coalescing } from "./coalesced.ts";

type Event = { readonly text: string; readonly section: string } | { readonly mark: string };

const coalescing: Coalescing<Event> = {
  nameOf: (event) => ("text" in event ? event.section : undefined),
  merge: (one, other) =>
    "text" in one && "text" in other ? { section: one.section, text: one.text + other.text } : other,
  sizeOf: (event) => ("text" in event ? event.text.length : 1),
  maxSize: 10,
};
const text = (value: string, section = ""): Event => ({ text: value, section });
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Events that the test sends when it likes, and how many were read. */
function source() {
  let wake = Promise.withResolvers<void>();
  const sent: (Event | { readonly error: unknown } | "end")[] = [];
  const seen = { read: 0, returned: false };
  const events = (async function* () {
    try {
      for (;;) {
        const next = sent.shift();
        if (next === undefined) {
          await wake.promise;
          wake = Promise.withResolvers();
        } else if (next === "end") return;
        else if ("error" in next) throw next.error;
        else {
          seen.read += 1;
          yield next;
        }
      }
    } finally {
      seen.returned = true;
    }
  })();
  const send = async (...more: typeof sent) => {
    sent.push(...more);
    wake.resolve();
    await settle();
  };
  return { events, send, seen };
}

describe("deltas", () => {
  it("come one by one, and at once, to a reader who keeps up", async () => {
    const { events, send } = source();
    const reader = coalesced(events, coalescing);
    const got: Event[] = [];
    const reading = (async () => {
      for await (const event of reader) got.push(event);
    })();
    await send(text("a"));
    await send(text("b"));
    expect(got).toEqual([text("a"), text("b")]);
    await send("end");
    await reading;
  });

  it("become one while the reader is slow, each section's by itself, and pass nothing that stands alone", async () => {
    const { events, send } = source();
    const reader = coalesced(events, coalescing);
    const first = reader.next();
    await send(text("하"), text("나", "s"), text("둘", "s"), text("셋"), { mark: "!" }, text("넷", "s"), "end");
    expect((await first).value).toEqual(text("하"));
    const rest: Event[] = [];
    for await (const event of reader) rest.push(event);
    expect(rest).toEqual([text("나둘", "s"), text("셋"), { mark: "!" }, text("넷", "s")]);
  });

  it("wait with their source where too many wait for the reader", async () => {
    const { events, send, seen } = source();
    const reader = coalesced(events, coalescing);
    const first = reader.next();
    await send(...Array.from({ length: 100 }, () => text("abcd")));
    await first;
    await settle();
    expect(seen.read).toBe(4);
    expect((await reader.next()).value).toEqual(text("abcdabcdabcd"));
    await settle();
    expect(seen.read).toBe(7);
    await reader.return();
    await settle();
    expect(seen.returned).toBe(true);
  });

  it("come before what the source fails with", async () => {
    const { events, send } = source();
    const reader = coalesced(events, coalescing);
    const first = reader.next();
    await send(text("a"), text("b"), { error: new Error("broken") });
    expect([(await first).value, (await reader.next()).value]).toEqual([text("a"), text("b")]);
    await expect(reader.next()).rejects.toThrow("broken");
  });

  it("are all there, in the order of their section, however fast anybody is", async () => {
    const pieces = fc.array(
      fc.tuple(fc.constantFrom("", "s", "t"), fc.string({ minLength: 1, maxLength: 8 }), fc.nat(3)),
    );
    await fc.assert(
      fc.asyncProperty(pieces, fc.array(fc.nat(3), { maxLength: 40 }), async (given, pauses) => {
        const pause = async (turns: number) => {
          for (let turn = 0; turn < turns; turn += 1) await settle();
        };
        const events = (async function* (): AsyncGenerator<Event> {
          for (const [section, value, turns] of given) {
            await pause(turns);
            yield text(value, section);
          }
        })();
        const got = new Map<string, string>();
        for await (const event of coalesced(events, coalescing)) {
          await pause(pauses.shift() ?? 0);
          if ("text" in event) got.set(event.section, (got.get(event.section) ?? "") + event.text);
        }
        for (const section of ["", "s", "t"]) {
          const expected = given.filter(([own]) => own === section).map(([, value]) => value);
          expect(got.get(section) ?? "").toBe(expected.join(""));
        }
      }),
      { numRuns: 100 },
    );
  });
});
