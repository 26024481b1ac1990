export type { RedisCommand, RedisReply } from "./connection.ts";
export { createMarks } from "./marks.ts";
export type { Marks, MarksOptions } from "./marks.ts";
export { createRedis, defineScript } from "./redis.ts";
export type { Redis, RedisAnswer, RedisCallOptions, RedisFigures, RedisOptions, RedisScript } from "./redis.ts";
export { createSharedCache } from "./shared-cache.ts";
export type { CacheRead, SharedCache, SharedCacheOptions, ValueCodec } from "./shared-cache.ts";
