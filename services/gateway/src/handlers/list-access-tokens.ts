import { Code } from "@connectrpc/connect";
import type { AccessTokenService } from "@quartet/contracts/gateway/v1/access_token_service";
import { quartetError } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import { toAccessTokenMessage } from "../convert-access-token.ts";
import type { AccessTokenStore, TokenPosition } from "../domain/access/access-token.ts";
import type { Admission } from "./admission.ts";

const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 200;

/** Lists the caller's tenant's tokens, newest first. */
export function createListAccessTokens({
  admission,
  store,
}: {
  readonly admission: Admission;
  readonly store: Pick<AccessTokenStore, "list">;
}): Handler<typeof AccessTokenService.method.listAccessTokens> {
  return admission.unary(async ({ pageSize, pageToken }, context) => {
    const size = Math.min(pageSize || DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    const after = readPageToken(pageToken);
    // One more than asked for tells whether there is another page.
    const found = await store.list(principalOf(context).tenant, { after, limit: size + 1 }, context.signal);
    const page = found.slice(0, size);
    return {
      accessTokens: page.map(toAccessTokenMessage),
      nextPageToken: found.length > size ? writePageToken(page.at(-1)!) : "",
    };
  });
}

const prefix = "access-tokens:";

/** A position says nothing that its reader may not know: whose list it continues is decided by who asks. */
const writePageToken = ({ createTime, id }: TokenPosition): string =>
  Buffer.from(`${prefix}${createTime.getTime()}:${id}`).toString("base64url");

/** @throws INVALID_ARGUMENT, PAGE_TOKEN_INVALID */
function readPageToken(token: string): TokenPosition | undefined {
  if (token === "") return undefined;
  const text = Buffer.from(token, "base64url").toString();
  const [, time, id] = /^access-tokens:(\d{1,16}):([a-z2-7]{16})$/.exec(text) ?? [];
  const createTime = new Date(Number(time));
  if (id !== undefined && !Number.isNaN(createTime.getTime())) return { createTime, id };
  throw quartetError({
    code: Code.InvalidArgument,
    reason: "PAGE_TOKEN_INVALID",
    message: "page_token: is no page token of this list; leave it out to begin at the first page.",
    violations: [{ field: "page_token", description: "is no page token of this list" }],
  });
}
