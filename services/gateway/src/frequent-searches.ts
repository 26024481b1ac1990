import { toBinary } from "@bufbuild/protobuf";
import { CacheUse, type SearchOptions, SearchOptionsSchema } from "@quartet/contracts/type/v1/search";
import { createFrequent } from "./domain/frequent.ts";

/** A search as it was asked for, without its vector. */
export interface AskedSearch {
  readonly query: string;
  readonly pageSize: number;
  readonly options: SearchOptions | undefined;
}

/** What is searched for most, by tenant, over about a day. */
export interface FrequentSearches {
  note(tenant: string, search: AskedSearch): void;
  top(tenant: string, count: number): readonly AskedSearch[];
}

/** Texts take two bytes a character in memory, and each entry something of its own. */
const BYTES_PER_UNIT = 2;
const BYTES_PER_ENTRY = 300;

export function createFrequentSearches({ now }: { readonly now: () => number }): FrequentSearches {
  const counted = createFrequent<AskedSearch>({ now });
  return {
    note(tenant, { query, pageSize, options }) {
      // Who leaves the caches out, or fills them, says nothing about what others ask.
      if (options?.cacheUse === CacheUse.BYPASS || options?.cacheUse === CacheUse.REFRESH) return;
      const bytes = options === undefined ? new Uint8Array() : toBinary(SearchOptionsSchema, options);
      const key = `${pageSize} ${Buffer.from(bytes).toString("latin1")}\n${query}`;
      const size = BYTES_PER_ENTRY + 2 * BYTES_PER_UNIT * query.length + 4 * bytes.byteLength;
      counted.note(tenant, key, { query, pageSize, options }, size);
    },
    top: (tenant, count) => counted.top(tenant, count),
  };
}
