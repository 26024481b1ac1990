import { ConfigError, type ConfigOf } from "../config/parse-env.ts";
import { variable } from "../config/variable.ts";

/** Where Redis is, under the name that users know. It may hold a password, so it is a secret as a whole. */
export const redisVariables = {
  redisUrl: variable.secret("REDIS_URL", {
    optional: true,
    doc: "Redis 6 or newer for what replicas share and may lose, as redis://user:password@host:6379/0, or rediss:// with TLS; without it, each process remembers for itself.",
  }),
  redisKeyPrefix: variable.text("QUARTET_REDIS_KEY_PREFIX", {
    default: "quartet:",
    pattern: /^[\x21-\x7e]{1,64}$/,
    expected: "at most 64 characters without spaces",
    doc: "What Quartet's keys in Redis start with; each installation on the same Redis takes another.",
  }),
  redisTimeoutMs: variable.duration("QUARTET_REDIS_TIMEOUT", {
    default: 50,
    min: 1,
    max: 2_000,
    doc: "How long Redis may take to answer before work goes on without it.",
  }),
} as const;

/** @throws {ConfigError} if REDIS_URL is no address of Redis; it is not shown */
export function checkRedisUrl({ redisUrl }: Pick<ConfigOf<typeof redisVariables>, "redisUrl">): void {
  if (redisUrl === undefined) return;
  const url = URL.parse(redisUrl.reveal());
  const names = url !== null && ["redis:", "rediss:"].includes(url.protocol) && url.hostname !== "";
  if (names && /^\/?\d{0,5}$/.test(url.pathname)) return;
  throw new ConfigError([
    "REDIS_URL: is no address of Redis. Write it as redis://user:password@host:6379/0, or rediss:// with TLS.",
  ]);
}
