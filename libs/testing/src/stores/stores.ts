import { createTestPostgres, type TestPostgres } from "./postgres.ts";
import { createTestElasticsearch, type TestElasticsearch } from "./elasticsearch.ts";
import { createTestRedis, type TestRedis } from "./redis.ts";

/** The genuine stores that a suite may ask for. */
export interface TestStores {
  readonly postgres: TestPostgres;
  readonly elasticsearch: TestElasticsearch;
  readonly redis: TestRedis;
}

export type StoreName = keyof TestStores;

const variables = {
  postgres: "QUARTET_TEST_DATABASE_URL",
  elasticsearch: "QUARTET_TEST_ELASTICSEARCH_URL",
  redis: "QUARTET_TEST_REDIS_URL",
} as const;

const createStore: { readonly [Name in StoreName]: (url: string) => TestStores[Name] } = {
  postgres: createTestPostgres,
  elasticsearch: createTestElasticsearch,
  redis: createTestRedis,
};

/** The stores asked for, or the names of those that no variable tells the address of. */
export type FoundStores<Name extends StoreName> =
  | { readonly stores: Pick<TestStores, Name>; readonly missing: readonly [] }
  | { readonly stores: undefined; readonly missing: readonly [StoreName, ...StoreName[]] };

/**
 * Genuine stores for tests, from QUARTET_TEST_DATABASE_URL, QUARTET_TEST_ELASTICSEARCH_URL and QUARTET_TEST_REDIS_URL, which `npm test` sets.
 * They have names of their own so that no test ever writes into the store an operator has set DATABASE_URL and its like for.
 */
export function storesForTests<Name extends StoreName>(
  names: readonly Name[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): FoundStores<Name> {
  const [first, ...others] = names.filter((name) => !environment[variables[name]]);
  if (first !== undefined) return { stores: undefined, missing: [first, ...others] };
  const stores = Object.fromEntries(names.map((name) => [name, createStore[name](environment[variables[name]] ?? "")]));
  return { stores: stores as unknown as Pick<TestStores, Name>, missing: [] };
}

/** Whether a suite without its stores fails, as in CI, rather than being left out. */
export function areStoresRequired(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return environment["QUARTET_TEST_STORES"] === "required";
}

/** What to do about stores that are missing. */
export function missingStoresText(missing: readonly StoreName[]): string {
  const named = missing.map((name) => variables[name]).join(" and ");
  return `needs ${missing.join(" and ")}: set ${named}, as \`npm test\` does where it can start what is needed`;
}
