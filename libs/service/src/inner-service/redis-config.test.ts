import { describe, expect, it } from "@jest/globals";
import { ConfigError, parseEnv } from "../config/parse-env.ts";
import { checkRedisUrl, redisVariables } from "./redis-config.ts";

const check = (url: string) => checkRedisUrl(parseEnv(redisVariables, { REDIS_URL: url }));

describe("checkRedisUrl", () => {
  it.each(["", "redis://localhost", "redis://:secret@cache:6379/15", "rediss://me:secret@[::1]:6380/"])(
    "takes %s",
    (url) => {
      expect(() => check(url)).not.toThrow();
    },
  );

  it.each(["canary:6379", "http://:canary@localhost", "redis://:canary@localhost/name", "redis:///canary"])(
    "refuses %s without repeating it",
    (url) => {
      expect(() => check(url)).toThrow(ConfigError);
      expect(() => check(url)).toThrow(/^REDIS_URL: /);
      expect(() => check(url)).not.toThrow(/canary/);
    },
  );
});
