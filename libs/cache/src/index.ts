export { createCache } from "./cache.ts";
export type { Cache, CacheOptions, CacheStats } from "./cache.ts";
export { keyPattern } from "./key-pattern.ts";
export { createSingleFlight } from "./single-flight.ts";
export type { LoadMany, SingleFlight } from "./single-flight.ts";
