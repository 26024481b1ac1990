import { describe, expect, it } from "@jest/globals";
import { httpVerdict, restMsOf } from "./http-verdict.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("restMsOf", () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ "retry-after": "30" }, 30_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": "1", "retry-after-ms": "250" }, 250],
    [{ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" }, 60_000],
    [{ "retry-after": "Wed, 31 Dec 2025 23:59:00 GMT" }, 0],
    [{ "retry-after": "9999999999999" }, 86_400_000],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-1" }, undefined],
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms" }, 12],
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" }, 360_000],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h2m3.5s" }, 3_723_500],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7" }, 7_000],
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": String(NOW / 1000 + 30) }, 30_000],
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": String(NOW + 40_000) }, 40_000],
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2026-01-01T00:00:50Z" }, 50_000],
    [{ "x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "6m0s" }, undefined],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "a while" }, undefined],
    [
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "2s",
      },
      2_000,
    ],
  ])("reads %j as %p", (headers, restMs) => {
    expect(restMsOf(new Headers(headers), NOW)).toBe(restMs);
  });
});

describe("httpVerdict", () => {
  it.each([
    [{ status: 401 }, { kind: "auth" }],
    [{ status: 402 }, { kind: "quota" }],
    [{ status: 429, code: "insufficient_quota" }, { kind: "quota" }],
    [{ status: 429, type: "insufficient_quota" }, { kind: "quota" }],
    [
      { status: 429, code: "rate_limit_exceeded", headers: new Headers({ "retry-after": "2" }) },
      { kind: "rate-limit", retryAfterMs: 2_000 },
    ],
    [{ status: 429 }, { kind: "rate-limit" }],
    [{ status: 500 }, { kind: "server" }],
    [{ status: 503 }, { kind: "server" }],
    [{ status: 400 }, { kind: "other" }],
    [{ status: 403 }, { kind: "forbidden" }],
    [new Error("socket"), { kind: "other" }],
    [undefined, { kind: "other" }],
    ["text", { kind: "other" }],
  ])("reads %j as %j", (error, verdict) => {
    expect(httpVerdict(error)).toEqual(verdict);
  });
});
