import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ReplyTooLongError } from "./errors.ts";
import { ReplyBody } from "./reply-body.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A body, and what it told its connection. */
function bodyOf(maxBytes = 1_000_000) {
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(what);
  const source = { pause: tell("pause"), resume: tell("resume"), leave: tell("leave") };
  return { body: new ReplyBody(source, { maxBytes }), told };
}

async function textOf(body: ReplyBody): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body) text += decoder.decode(bytes, { stream: true });
  return text;
}

/** Far longer than a test may take. */
const FOR_EVER_MS = 3_600_000;

describe("the body of a reply", () => {
  it("gives what has come as one, and what is awaited as it comes", async () => {
    const { body } = bodyOf();
    body.push(encode("하나 "));
    body.push(encode("둘 "));
    expect((await body.next()).value).toEqual(new Uint8Array(encode("하나 둘 ")));
    const next = body.next();
    body.push(encode("셋"));
    expect((await next).value).toEqual(encode("셋"));
    const end = body.next();
    body.end();
    expect(await end).toEqual({ done: true, value: undefined });
    expect(await body.next()).toEqual({ done: true, value: undefined });
  });

  it("gives all that came before a failure, and tells that once", async () => {
    const { body } = bodyOf();
    body.push(encode("a"));
    body.fail(new Error("broken"));
    body.fail(new Error("once more"));
    body.push(encode("too late"));
    expect((await body.next()).value).toEqual(encode("a"));
    await expect(body.next()).rejects.toThrow("broken");
    expect((await body.next()).done).toBe(true);
  });

  it("tells whoever waits of a failure", async () => {
    const { body } = bodyOf();
    const next = body.next();
    expect(body.isAwaited).toBe(true);
    body.fail(new Error("broken"));
    await expect(next).rejects.toThrow("broken");
    expect(body.isAwaited).toBe(false);
    expect((await body.next()).done).toBe(true);
  });

  it("ends the call where the reply is longer than it may be", async () => {
    const { body, told } = bodyOf(3);
    body.push(encode("abc"));
    expect((await body.next()).value).toEqual(encode("abc"));
    body.push(encode("d"));
    await expect(body.next()).rejects.toBeInstanceOf(ReplyTooLongError);
    expect(told).toEqual(["leave"]);
  });

  it("ends the call of a reader who leaves, and not of one who has read everything", async () => {
    const left = bodyOf();
    left.body.push(encode("a"));
    for await (const _bytes of left.body) break;
    expect(left.told).toEqual(["leave"]);
    expect((await left.body.next()).done).toBe(true);

    const read = bodyOf();
    read.body.end();
    read.body.dismiss();
    expect(read.told).toEqual([]);
  });

  it("lets no more wait than it has room for", async () => {
    const { body, told } = bodyOf();
    body.push(new Uint8Array(65_535));
    expect(told).toEqual([]);
    body.push(new Uint8Array(1));
    expect(told).toEqual(["pause"]);
    expect((await body.next()).value).toHaveLength(65_536);
    expect(told).toEqual(["pause", "resume"]);
  });

  it("has room for what comes at once when it reads on, and for no more", async () => {
    const told: string[] = [];
    const body: ReplyBody = new ReplyBody(
      {
        pause: () => void told.push("pause"),
        resume: () => body.push(new Uint8Array(70_000)),
        leave: () => undefined,
      },
      { maxBytes: 1_000_000 },
    );
    body.push(new Uint8Array(70_000));
    expect((await body.next()).value).toHaveLength(70_000);
    expect(told).toEqual(["pause", "pause"]);
    await body.linger(FOR_EVER_MS);
  });

  it.each<[string, (body: ReplyBody) => void]>([
    ["all has come", (body) => body.end()],
    ["it broke off", (body) => body.fail(new Error("broken"))],
    ["there is no room for more", (body) => body.push(new Uint8Array(65_536))],
    ["it is dismissed", (body) => body.dismiss()],
  ])("lingers no longer when %s", async (_when, happen) => {
    const { body } = bodyOf();
    const lingering = body.linger(FOR_EVER_MS);
    body.push(encode("a"));
    expect(await Promise.race([lingering.then(() => "over"), Promise.resolve("lingers")])).toBe("lingers");
    happen(body);
    await lingering;
    // Nor does it begin to.
    await body.linger(FOR_EVER_MS);
  });

  it("lingers as long as it is told to", async () => {
    const { body } = bodyOf();
    await body.linger(1);
    body.push(encode("a"));
    body.end();
    expect(await textOf(body)).toBe("a");
  });

  it("loses no byte, and keeps their order, however they come and are read", async () => {
    const chunk = fc.oneof(
      fc.string({ minLength: 1, unit: "grapheme" }).map(encode),
      fc.constant(new Uint8Array(40_000)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(chunk, fc.nat(2))), fc.boolean(), async (chunks, fails) => {
        const { body, told } = bodyOf(Infinity);
        const read: Uint8Array[] = [];
        const reading = (async () => {
          for await (const bytes of body) read.push(bytes);
        })();
        for (const [bytes, turns] of chunks) {
          body.push(bytes);
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        }
        if (fails) body.fail(new Error("broken"));
        else body.end();
        const outcome = await reading.then(
          () => "ended",
          () => "failed",
        );
        expect(outcome).toBe(fails ? "failed" : "ended");
        expect(Buffer.concat(read)).toEqual(Buffer.concat(chunks.map(([bytes]) => bytes)));
        expect(told.join(" ")).toMatch(/^(pause resume ?)*(pause)?$/);
      }),
    );
  });
});
