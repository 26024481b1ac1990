import type { AccessTokenService } from "@quartet/contracts/gateway/v1/access_token_service";
import { fieldInvalid } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import { fromAccessTokenMessage, toAccessTokenMessage } from "../convert-access-token.ts";
import type { AccessToken, AccessTokenStore } from "../domain/access/access-token.ts";
import { formatTokenText, hashSecret, makeTokenText } from "../domain/access/secret.ts";
import type { Admission } from "./admission.ts";

/** Makes a token of the caller's tenant; this is the one time that its secret is anywhere but with its holder. */
export function createCreateAccessToken({
  admission,
  store,
  wallClock,
}: {
  readonly admission: Admission;
  readonly store: Pick<AccessTokenStore, "create">;
  readonly wallClock: () => number;
}): Handler<typeof AccessTokenService.method.createAccessToken> {
  return admission.unary(async ({ accessToken }, context) => {
    // Required by the contract, and validated before.
    const wanted = fromAccessTokenMessage(accessToken!);
    const now = wallClock();
    requireFuture(wanted.expireTime, now);
    const text = makeTokenText();
    const token: AccessToken = { ...wanted, id: text.id, createTime: new Date(now), revokeTime: undefined };
    await store.create(principalOf(context).tenant, token, hashSecret(text.secret), context.signal);
    return { accessToken: toAccessTokenMessage(token), secret: formatTokenText(text) };
  });
}

function requireFuture(expireTime: Date | undefined, now: number): void {
  // A time that JavaScript cannot hold is no number.
  if (expireTime === undefined || expireTime.getTime() > now) return;
  throw fieldInvalid("access_token.expire_time", "must lie in the future");
}
