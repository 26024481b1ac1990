import { createHash, randomBytes } from "node:crypto";
import type { Config } from "./config.ts";
import type { SearchPageTokensOptions } from "./domain/search-page-token.ts";
import type { Stores } from "./domain/stores.ts";

/**
 * What page tokens are signed with: the operator's key, else the one that the installation keeps for all of its processes. Where nothing is kept, one
 * of this process alone.
 */
export function pageTokenKey(
  { pageTokenKey: configured }: Pick<Config, "pageTokenKey">,
  stores: Stores,
): SearchPageTokensOptions["key"] {
  if (configured !== undefined) {
    const key = createHash("sha256").update(configured.reveal(), "utf8").digest();
    return async () => key;
  }
  return async (options) => (await stores.installation?.pageTokenKey(options)) ?? randomBytes(32);
}
