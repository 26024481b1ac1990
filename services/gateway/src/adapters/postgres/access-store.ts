import type { Pool } from "@quartet/postgres";
import { type AccessStore, type AccessToken, isRole } from "../../domain/access/access-token.ts";
import { withStoreErrors } from "./errors.ts";

interface TokenRow {
  readonly id: string;
  readonly label: string;
  readonly roles: readonly string[];
  readonly create_time_ms: number;
  readonly expire_time_ms: number | null;
  readonly revoke_time_ms: number | null;
}

interface CredentialRow extends Pick<TokenRow, "roles" | "expire_time_ms"> {
  readonly tenant: string;
  readonly secret_hash: Buffer;
}

const columns = "id, label, roles, create_time_ms, expire_time_ms, revoke_time_ms";

/** One token, for the gateway and for the operator's command alike. */
export const insertToken = {
  text: `INSERT INTO access_token (id, tenant, label, roles, secret_hash, create_time_ms, expire_time_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)`,
  values: (tenant: string, { id, label, roles, createTime, expireTime }: AccessToken, secretHash: Uint8Array) => [
    id,
    tenant,
    label,
    roles,
    secretHash,
    createTime.getTime(),
    expireTime?.getTime() ?? null,
  ],
};

/** Tenants and their tokens in PostgreSQL, under row-level security. */
export function createAccessStore(pool: Pick<Pool, "transaction">): AccessStore {
  return {
    find: (id, signal) =>
      withStoreErrors(() =>
        pool.transaction({ signal, readOnly: true }, async (transaction) => {
          const statement = { name: "find_credential", text: "SELECT * FROM find_credential($1)", values: [id] };
          const [row] = await transaction.query<CredentialRow>(statement);
          return row && toCredential(row);
        }),
      ),

    tenants: (signal) =>
      withStoreErrors(() =>
        pool.transaction({ signal, readOnly: true }, async (transaction) =>
          (await transaction.query<{ name: string }>("SELECT name FROM enabled_tenants() AS name")).map(
            ({ name }) => name,
          ),
        ),
      ),

    create: (tenant, token, secretHash, signal) =>
      withStoreErrors(() =>
        pool.transaction({ tenant, signal }, async (transaction) => {
          await transaction.execute(insertToken.text, insertToken.values(tenant, token, secretHash));
        }),
      ),

    list: (tenant, { after, limit }, signal) =>
      withStoreErrors(() =>
        pool.transaction({ tenant, signal, readOnly: true }, async (transaction) => {
          const rows = await transaction.query<TokenRow>(
            `SELECT ${columns} FROM access_token
              WHERE tenant = $1 AND ($2::bigint IS NULL OR (create_time_ms, id) < ($2::bigint, $3::text))
              ORDER BY create_time_ms DESC, id DESC LIMIT $4`,
            [tenant, after?.createTime.getTime() ?? null, after?.id ?? null, limit],
          );
          return rows.map(toAccessToken);
        }),
      ),

    revoke: (tenant, id, signal) =>
      withStoreErrors(() =>
        pool.transaction({ tenant, signal }, async (transaction) => {
          const [row] = await transaction.query<TokenRow>(
            `UPDATE access_token SET revoke_time_ms = coalesce(revoke_time_ms, $3)
              WHERE tenant = $1 AND id = $2 RETURNING ${columns}`,
            [tenant, id, Date.now()],
          );
          return row && toAccessToken(row);
        }),
      ),
  };
}

const time = (ms: number | null): Date | undefined => (ms === null ? undefined : new Date(ms));

function toAccessToken(row: TokenRow): AccessToken {
  return {
    id: row.id,
    label: row.label,
    roles: row.roles.filter(isRole),
    createTime: new Date(row.create_time_ms),
    expireTime: time(row.expire_time_ms),
    revokeTime: time(row.revoke_time_ms),
  };
}

const toCredential = ({ tenant, roles, secret_hash, expire_time_ms }: CredentialRow) => ({
  tenant,
  roles: roles.filter(isRole),
  secretHash: secret_hash,
  expireTime: time(expire_time_ms),
});
