import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type FakeProvider, startFakeProvider } from "./fake-provider.ts";
import { faults, type FaultName } from "./faults.ts";

let provider: FakeProvider;
beforeEach(async () => {
  provider = await startFakeProvider({ answer: ["안녕 ", "하세", "요, ", "여러분"] });
});
afterEach(() => provider.close());

interface Seen {
  readonly status: number | undefined;
  readonly type: string | null;
  readonly code: string | null | undefined;
  readonly text: string;
  /** How reading ended. */
  readonly end: "whole" | "broken" | "silent" | "endless";
}

/** How long silence must last where it is expected, and where it is not. */
const [expectedSilenceMs, strangeSilenceMs] = [300, 15_000];
const tooLong = 100_000;

/** What a client sees that knows nothing of server-sent events. It leaves after some silence, and when it has read enough. */
async function call(
  key: string,
  body: object,
  { path = "/chat/completions", headersMs = strangeSilenceMs, silenceMs = strangeSilenceMs } = {},
) {
  const caller = new AbortController();
  const seen = { status: undefined as number | undefined, type: null as string | null, text: "" };
  const result = (end: Seen["end"]): Seen => {
    caller.abort();
    return { ...seen, code: /"code":(?:"([^"]*)"|null)/.exec(seen.text)?.[1], end };
  };
  let timer: NodeJS.Timeout | undefined;
  const listen = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => caller.abort(), ms);
  };
  try {
    const headers = { authorization: `Bearer ${key}` };
    const init = { method: "POST", headers, body: JSON.stringify({ model: "m", ...body }), signal: caller.signal };
    const asked = fetch(`${provider.baseUrl}${path}`, init);
    await provider.arrived(provider.requests.length + 1);
    listen(headersMs);
    const response = await asked;
    listen(silenceMs);
    [seen.status, seen.type] = [response.status, response.headers.get("content-type")];
    const decoder = new TextDecoder();
    for await (const bytes of response.body!) {
      listen(silenceMs);
      seen.text += decoder.decode(bytes as Uint8Array, { stream: true });
      if (seen.text.length > tooLong) break;
    }
    return result(seen.text.length > tooLong ? "endless" : "whole");
  } catch {
    return result(caller.signal.aborted ? "silent" : "broken");
  } finally {
    clearTimeout(timer);
  }
}
const chat = (key = "sk-1", silence: { readonly headersMs?: number; readonly silenceMs?: number } = {}) =>
  call(key, { messages: [{ role: "user", content: "?" }], stream: true }, silence);

const ending = "data: [DONE]";

describe("faults that a stream shows", () => {
  it.each<[FaultName, Partial<Seen>, boolean]>([
    ["a2", { status: 429, code: "rate_limit_exceeded" }, false],
    ["a6", { status: 500 }, false],
    ["a7", { status: undefined, end: "silent" }, false],
    ["a8", { status: 200, end: "silent" }, false],
    ["a9", { status: 200, end: "silent" }, false],
    ["a10", { status: 200, end: "whole" }, false],
    ["a11", { status: 200, end: "broken" }, false],
    ["a12", { status: 200, end: "whole" }, false],
    ["a13", { status: 200, end: "whole" }, false],
    ["a14", { status: 200, type: "text/html" }, false],
    ["a15", { status: 200, end: "whole" }, true],
    ["a16", { status: 200, end: "whole" }, true],
    ["a17", { status: 200, end: "endless" }, false],
  ])("%s", async (name, seen, isWhole) => {
    provider.start(name);
    const silence = { [seen.status === undefined ? "headersMs" : "silenceMs"]: expectedSilenceMs };
    const got = await chat("sk-1", seen.end === "silent" ? silence : {});
    expect(got).toMatchObject(seen);
    expect(got.text.includes(ending)).toBe(isWhole);
    if (name === "a15") expect(got.text).toContain("여러분");
    if (name === "a16") expect(got.text).toContain('"finish_reason":"content_filter"');
  });

  it.each<[FaultName, string]>([
    ["a1", "rate_limit_exceeded"],
    ["a3", "insufficient_quota"],
    ["a4", "invalid_api_key"],
  ])("%s is on the first key alone", async (name, code) => {
    provider.set({ keys: { first: {}, second: {} } });
    provider.start(name);
    expect(await chat("first")).toMatchObject({ code });
    expect((await chat("second")).text).toContain(ending);
  });

  it("a5: all keys get 429 together", async () => {
    provider.start("a5");
    const statuses = [];
    for (const key of ["one", "two", "one", "two", "one"]) statuses.push((await chat(key)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it("a18 and a19", async () => {
    provider.start("a18", "a19");
    const { text } = await call("sk-1", { input: ["a", "b"] }, { path: "/embeddings" });
    expect((JSON.parse(text) as { data: unknown[] }).data).toHaveLength(1);
    const response = await fetch(`${provider.baseUrl}/models`, { headers: { authorization: "Bearer sk-1" } });
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(response.headers.get("x-ratelimit-reset-requests")).toBe("6m0s");
  });

  it("are all there, each with a title", () => {
    expect(Object.keys(faults)).toEqual(Array.from({ length: 19 }, (_, index) => `a${index + 1}`));
    expect(Object.values(faults).every(({ title }) => title.length > 0)).toBe(true);
  });
});

describe("faults of whole replies", () => {
  const whole = (silenceMs = strangeSilenceMs) =>
    call("sk-1", { messages: [{ role: "user", content: "?" }] }, { silenceMs });
  it.each([
    ["end", "whole"],
    ["garbage", "whole"],
    ["fin", "broken"],
    ["reset", "broken"],
    ["stall", "silent"],
  ] as const)("are cut by %s", async (by, end) => {
    provider.set({ cut: { afterPieces: 0, by } });
    const seen = await whole(end === "silent" ? expectedSilenceMs : strangeSilenceMs);
    expect(seen).toMatchObject({ status: 200, end });
    expect(() => JSON.parse(seen.text) as unknown).toThrow();
  });

  it("go on for ever, chat and embeddings", async () => {
    provider.set({ endless: true });
    for (const seen of [await whole(), await call("sk-1", { input: "a" }, { path: "/embeddings" })]) {
      expect(seen.end).toBe("endless");
    }
    await Promise.all(provider.requests.map(({ closed }) => closed));
    expect(provider.requests.every(({ leftEarly }) => leftEarly)).toBe(true);
  });
});

describe("streams that are allowed to look strange", () => {
  it.each(["\n", "\r\n", "\r"] as const)("with line end %j", async (lineEnd) => {
    provider.set({ lineEnd });
    const { text } = await chat();
    expect(text.split(lineEnd + lineEnd).filter((event) => event.startsWith("data: {")).length).toBe(6);
  });

  it("with bytes that are no UTF-8", async () => {
    provider.set({ invalidUtf8: true });
    expect((await chat()).text).toContain('"content":"\uFFFD\uFFFD안녕 "');
  });
});
