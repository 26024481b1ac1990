import { Code, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { AccessTokenService } from "@quartet/contracts/gateway/v1/access_token_service";
import { quartetError } from "@quartet/errors";
import type { AccessTokenStore } from "../domain/access/access-token.ts";
import type { Admission } from "./admission.ts";
import { createCreateAccessToken } from "./create-access-token.ts";
import { createListAccessTokens } from "./list-access-tokens.ts";
import { createRevokeAccessToken } from "./revoke-access-token.ts";

export interface AccessTokenHandlersOptions {
  readonly admission: Admission;
  /** Undefined where nobody is asked for a token: what an anonymous caller created would hold when sign-in is switched on. */
  readonly access:
    | {
        readonly store: AccessTokenStore;
        /** Told of a token that was revoked here, so that this replica does not wait to hear of it. */
        readonly revoked: (id: string) => void;
      }
    | undefined;
  /** In milliseconds since 1970. */
  readonly wallClock: () => number;
}

/** The handlers of AccessTokenService. */
export function createAccessTokenHandlers(options: AccessTokenHandlersOptions): ServiceImpl<typeof AccessTokenService> {
  const { admission, access, wallClock } = options;
  if (access === undefined) {
    return { createAccessToken: notEnabled, listAccessTokens: notEnabled, revokeAccessToken: notEnabled };
  }
  const { store, revoked } = access;
  return {
    createAccessToken: createCreateAccessToken({ admission, store, wallClock }),
    listAccessTokens: createListAccessTokens({ admission, store }),
    revokeAccessToken: createRevokeAccessToken({ admission, store, revoked }),
  };
}

async function notEnabled(_request: unknown, _context: HandlerContext): Promise<never> {
  throw quartetError({
    code: Code.Unimplemented,
    reason: "NOT_ENABLED",
    message:
      "This gateway asks nobody for an access token. The operator sets QUARTET_AUTHENTICATION=tokens and DATABASE_URL.",
  });
}
