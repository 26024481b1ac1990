import { createPool, explain } from "@quartet/postgres";
import type { AccessToken } from "../../domain/access/access-token.ts";
import { insertToken } from "./access-store.ts";
import { schema } from "./schema.ts";

/** What is the operator's alone: it takes the login that owns the tables, and no token of any tenant does it. */
export interface OperatorStore {
  /** Adds a token to a tenant, which is made if there is none. */
  createToken(tenant: string, token: AccessToken, secretHash: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Lets the holders of a tenant's tokens in no more, or in again; false if there is no such tenant. */
  setEnabled(tenant: string, isEnabled: boolean, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** Connects as the login of the address itself. */
export function openOperatorStore(url: string): OperatorStore {
  const pool = createPool({ url, schema: schema.name, applicationName: "quartet-operator", maxConnections: 1 });
  return {
    async createToken(tenant, token, secretHash, signal) {
      const work = pool.transaction({ signal }, async (transaction) => {
        const text = "INSERT INTO tenant (name, create_time_ms) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        await transaction.execute(text, [tenant, token.createTime.getTime()]);
        await transaction.execute(insertToken.text, insertToken.values(tenant, token, secretHash));
      });
      await work.catch(explain(schema));
    },
    async setEnabled(tenant, isEnabled, signal) {
      const text = "UPDATE tenant SET disable_time_ms = $2 WHERE name = $1";
      const values = [tenant, isEnabled ? null : Date.now()];
      const work = pool.transaction({ signal }, (transaction) => transaction.execute(text, values));
      return (await work.catch(explain(schema))) > 0;
    },
    close: () => pool.close({ limitMs: 1_000 }),
  };
}
