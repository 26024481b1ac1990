import type { Pool } from "@quartet/postgres";
import type { Installation } from "../../domain/installation.ts";
import { withStoreErrors } from "./errors.ts";

/** Errors: StoreUnavailableError, StoreBusyError. */
export function createInstallation({ pool }: { readonly pool: Pool }): Installation {
  return {
    pageTokenKey: (options) =>
      withStoreErrors(() =>
        pool.transaction({ ...options, readOnly: true }, async (transaction) => {
          const [row] = await transaction.query<{ key: Buffer }>("SELECT page_token_key AS key FROM installation");
          return row!.key;
        }),
      ),
  };
}
