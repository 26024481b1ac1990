/** The vectors of this service in PostgreSQL without a service: what a benchmark measures; nothing else uses it. */
export { roles, schema } from "./adapters/postgres/schema.ts";
export { createVectorIndex } from "./adapters/postgres/vector-index.ts";
export { createVectorKeeper } from "./adapters/postgres/vector-keeper.ts";
export type { EmbeddingSpace } from "./domain/collection.ts";
export type { Filter } from "./domain/filter.ts";
export type { VectorIndex } from "./domain/vector-index.ts";
