import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type AccessToken as AccessTokenMessage,
  type AccessTokenSchema,
  Role as WireRole,
} from "@quartet/contracts/gateway/v1/access_token_service";
import { nfc } from "@quartet/text";
import type { AccessToken, Role } from "./domain/access/access-token.ts";

const wireRoles: Record<Role, WireRole> = { read: WireRole.READ, write: WireRole.WRITE, admin: WireRole.ADMIN };

const rolesOf = new Map(Object.entries(wireRoles).map(([role, wire]) => [wire, role as Role]));

export function toAccessTokenMessage(token: AccessToken): MessageInitShape<typeof AccessTokenSchema> {
  const { id, label, roles, createTime, expireTime, revokeTime } = token;
  return {
    id,
    label,
    roles: roles.map((role) => wireRoles[role]),
    createTime: timestampFromDate(createTime),
    ...(expireTime && { expireTime: timestampFromDate(expireTime) }),
    ...(revokeTime && { revokeTime: timestampFromDate(revokeTime) }),
  };
}

/** What a caller may say of a new token; the rest is output only. */
export type NewAccessToken = Pick<AccessToken, "label" | "roles" | "expireTime">;

export function fromAccessTokenMessage({ label, roles, expireTime }: AccessTokenMessage): NewAccessToken {
  return {
    label: nfc(label),
    roles: roles.flatMap((role) => rolesOf.get(role) ?? []),
    expireTime: expireTime && timestampDate(expireTime),
  };
}
