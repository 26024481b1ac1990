import { Code } from "@connectrpc/connect";
import type { AccessTokenService } from "@quartet/contracts/gateway/v1/access_token_service";
import { quartetError } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import { toAccessTokenMessage } from "../convert-access-token.ts";
import type { AccessTokenStore } from "../domain/access/access-token.ts";
import type { Admission } from "./admission.ts";

/** Revokes a token of the caller's tenant: at once here, within the other replicas' memory everywhere. */
export function createRevokeAccessToken({
  admission,
  store,
  revoked,
}: {
  readonly admission: Admission;
  readonly store: Pick<AccessTokenStore, "revoke">;
  readonly revoked: (id: string) => void;
}): Handler<typeof AccessTokenService.method.revokeAccessToken> {
  return admission.unary(async ({ accessTokenId }, context) => {
    const token = await store.revoke(principalOf(context).tenant, accessTokenId, context.signal);
    if (token !== undefined) {
      revoked(token.id);
      return { accessToken: toAccessTokenMessage(token) };
    }
    throw quartetError({
      code: Code.NotFound,
      reason: "NOT_FOUND",
      message: "There is no access token with this ID. List the access tokens to see which there are.",
    });
  });
}
