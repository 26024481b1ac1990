export { createCache } from "./cache.ts";
export type { Cache, CacheOptions, CacheStats } from "./cache.ts";
export type { LoadMany } from "./single-flight.ts";
