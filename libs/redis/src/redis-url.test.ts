import { describe, expect, it } from "@jest/globals";
import { parseRedisUrl } from "./redis-url.ts";

describe("parseRedisUrl", () => {
  it("reads every part, and the usual ones where they are left out", () => {
    expect(parseRedisUrl("rediss://me:p%40ss@cache.internal:6380/3")).toEqual({
      host: "cache.internal",
      port: 6380,
      username: "me",
      password: "p@ss",
      database: 3,
      tls: true,
    });
    expect(parseRedisUrl("redis://localhost")).toEqual({
      host: "localhost",
      port: 6379,
      username: undefined,
      password: undefined,
      database: 0,
      tls: false,
    });
  });

  it("takes a password alone, a plain percent sign, and IPv6", () => {
    expect(parseRedisUrl("redis://:50%off@[::1]:7000/")).toMatchObject({
      host: "::1",
      port: 7000,
      username: undefined,
      password: "50%off",
      database: 0,
    });
  });

  it("leaves out what the driver would take for options of its own", () => {
    expect(parseRedisUrl("redis://localhost?enableOfflineQueue=true&db=5").database).toBe(0);
  });

  it.each(["", "localhost:6379", "http://:canary@localhost", "redis://:canary@localhost/name", "redis:///0"])(
    "refuses %j without repeating it",
    (text) => {
      expect(() => parseRedisUrl(text)).toThrow(RangeError);
      expect(() => parseRedisUrl(text)).not.toThrow(/canary/);
    },
  );
});
