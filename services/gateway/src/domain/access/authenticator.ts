import { Refusal } from "../refusal.ts";
import type { Role } from "./access-token.ts";
import type { CredentialCache } from "./credential-cache.ts";
import { matchesSecret, readBearer } from "./secret.ts";

/** Who holds a credential. */
export interface Holder {
  readonly tenant: string;
  readonly roles: readonly Role[];
}

/**
 * Finds out who sends an `authorization` header.
 *
 * @throws {Refusal} CREDENTIAL_INVALID, in the same words whatever is wrong with it; ROLE_MISSING
 * @throws what the look-up fails with, when it cannot be known now
 */
export type Authenticator = (authorization: string | null, needed: Role) => Promise<Holder>;

export function createAuthenticator({
  credentials,
  wallClock,
}: {
  readonly credentials: Pick<CredentialCache, "get">;
  /** For expiry, in milliseconds since 1970. */
  readonly wallClock: () => number;
}): Authenticator {
  return async (authorization, needed) => {
    const presented = readBearer(authorization);
    if (presented === undefined) throw refused();
    const credential = await credentials.get(presented.id);
    const holds = matchesSecret(presented.secret, credential?.secretHash);
    if (credential === undefined || !holds) throw refused();
    const { tenant, roles, expireTime } = credential;
    if (expireTime !== undefined && expireTime.getTime() <= wallClock()) throw refused();
    if (roles.includes(needed)) return { tenant, roles };
    throw new Refusal("ROLE_MISSING", `The access token lacks the role ${needed}, which this call needs.`);
  };
}

const refused = () =>
  new Refusal("CREDENTIAL_INVALID", "Send a valid access token, as in `authorization: Bearer qt_...`.");
