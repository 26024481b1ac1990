/** What a credential may do; each is granted by itself. */
export const roles = ["read", "write", "admin"] as const;

export type Role = (typeof roles)[number];

export const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/** A credential of a tenant, without its secret. */
export interface AccessToken {
  /** Also the visible part of what its holder sends. */
  readonly id: string;
  /** What it is for. */
  readonly label: string;
  readonly roles: readonly Role[];
  readonly createTime: Date;
  /** When it ends; undefined: never. */
  readonly expireTime: Date | undefined;
  /** When it was revoked; undefined while it was not. */
  readonly revokeTime: Date | undefined;
}

/** What it takes to check whether somebody holds a credential, and what for. */
export interface Credential {
  readonly tenant: string;
  readonly roles: readonly Role[];
  /** See `hashSecret`. */
  readonly secretHash: Uint8Array;
  readonly expireTime: Date | undefined;
}

/** A place in a list that is ordered from the newest token to the oldest. */
export type TokenPosition = Pick<AccessToken, "createTime" | "id">;

/** Access tokens by tenant. Every call ends when the signal is aborted, and fails with an error that carries a `Reason`. */
export interface AccessTokenStore {
  create(tenant: string, token: AccessToken, secretHash: Uint8Array, signal: AbortSignal): Promise<void>;
  /** At most so many after a position, newest first, revoked ones included. */
  list(
    tenant: string,
    page: { readonly after: TokenPosition | undefined; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly AccessToken[]>;
  /** Revokes it, unless it is revoked already; undefined if the tenant has none of this ID. */
  revoke(tenant: string, id: string, signal: AbortSignal): Promise<AccessToken | undefined>;
}

/** Whatever tenant a credential is of: for telling who calls. */
export interface CredentialStore {
  /** The credential, unless it is revoked or its tenant disabled; it may have expired. */
  find(id: string, signal: AbortSignal): Promise<Credential | undefined>;
}

/** Who there is to work for. */
export interface TenantStore {
  /** Tenants that are not disabled, by name. */
  tenants(signal: AbortSignal): Promise<readonly string[]>;
}

export type AccessStore = AccessTokenStore & CredentialStore & TenantStore;
