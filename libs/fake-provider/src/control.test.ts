import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type FakeProvider, startFakeProvider } from "./fake-provider.ts";

const canary = "sk-canary-do-not-show";
let provider: FakeProvider;
beforeEach(async () => {
  provider = await startFakeProvider(
    { answer: "one two", keys: { [canary]: { label: "blue" }, other: {} } },
    { maxLoggedRequests: 5 },
  );
});
afterEach(() => provider.close());

const control = async (method: string, path: string, body?: unknown) => {
  const init = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await fetch(`${provider.controlUrl}${path}`, { method, ...init });
  const text = await response.text();
  expect(text).not.toContain(canary);
  return { status: response.status, body: JSON.parse(text) as Record<string, unknown> };
};
const call = async (key = canary) => {
  const response = await fetch(`${provider.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "what?" }] }),
  });
  await response.text();
  await provider.requests.at(-1)!.closed;
  return response.status;
};

describe("the control endpoint", () => {
  it("changes what all calls get, back again, and all of it", async () => {
    await control("POST", "/behaviour", { error: "server_error", delayMs: 1 });
    expect(await call()).toBe(500);
    expect((await control("POST", "/behaviour", { error: null })).body).toMatchObject({ behaviour: { delayMs: 1 } });
    expect(await call()).toBe(200);
    await control("POST", "/behaviour", { error: { status: 502 } });
    expect(await call()).toBe(502);
    expect((await control("DELETE", "/behaviour")).body["behaviour"]).toEqual({ answer: "one two" });
    expect(await call()).toBe(200);
  });

  it("changes what one key gets, and what the next calls get", async () => {
    await control("POST", "/behaviour", { key: "blue", error: { code: "rate_limit_exceeded", retryAfterMs: 1_000 } });
    expect([await call(), await call("other")]).toEqual([429, 200]);
    await control("DELETE", "/behaviour");
    await control("POST", "/behaviour", { fault: "a6", next: 2 });
    expect([await call(), await call(), await call()]).toEqual([500, 500, 200]);
  });

  it("switches faults on by name, on the first key where that is what they are", async () => {
    await control("POST", "/behaviour", { fault: ["A3"] });
    expect([await call(), await call("other")]).toEqual([429, 200]);
    const { body } = await control("GET", "/faults");
    expect(body["a9"]).toBe("silence after one token");
  });

  it("shows requests and figures by the labels of keys, within bounds", async () => {
    for (const key of [canary, canary, "other", "unknown", canary, "other", canary]) await call(key);
    const requests = (await control("GET", "/requests?bodies=true")).body["requests"] as Record<string, unknown>[];
    expect(requests.map(({ number, key }) => [number, key])).toEqual([
      [3, "key-2"],
      [4, "key-1"],
      [5, "blue"],
      [6, "key-2"],
      [7, "blue"],
    ]);
    expect(requests.at(-1)).toMatchObject({
      method: "POST",
      path: "/v1/chat/completions",
      model: "m",
      status: 200,
      outputTokens: 2,
      leftEarly: false,
      body: { model: "m" },
    });
    expect((await control("GET", "/requests?limit=1")).body["requests"]).toHaveLength(1);
    const { body } = await control("GET", "/figures");
    expect(body).toMatchObject({
      calls: 7,
      refused: { "401": 1 },
      inFlight: 0,
      outputTokens: 12,
      keys: { blue: { calls: 4, outputTokens: 8 }, "key-2": { calls: 2 } },
    });
    await control("DELETE", "/requests");
    expect((await control("GET", "/figures")).body["calls"]).toBe(0);
    expect(provider.requests).toEqual([]);
  });

  it.each([
    [{ fault: "b1" }, /There is no fault "b1"; there are a1, /],
    [{ colour: 1 }, /There is no "colour"; there are fault, key, next, error, delayMs/],
    [{ delayMs: "fast" }, /delayMs is milliseconds; null sets it back/],
    [{ error: "weather" }, /error is one of rate_limit_exceeded, insufficient_quota/],
    [{ error: "constructor" }, /error is one of/],
    [{ cut: { by: "end" } }, /cut is an object of afterPieces and by/],
    [{ next: 0 }, /next is a whole number of calls/],
    ["[", /Send a JSON object/],
  ])("refuses %j, and says why", async (body, message) => {
    const refused = await control("POST", "/behaviour", body);
    expect(refused.status).toBe(400);
    expect((refused.body["error"] as { message: string }).message).toMatch(message);
    expect(await call()).toBe(200);
  });

  it("knows no other paths, and does not count itself", async () => {
    expect((await control("GET", "/nowhere")).status).toBe(404);
    expect(provider.requests).toEqual([]);
  });
});

it("remembers bodies up to a number of bytes in all", async () => {
  await provider.close();
  provider = await startFakeProvider({}, { maxLoggedBytes: 200 });
  for (let made = 0; made < 10; made++) await call();
  expect(provider.requests.map(({ number }) => number)).toEqual([8, 9, 10]);
  await provider.arrived(10);
});
