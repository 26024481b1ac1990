import { create } from "@bufbuild/protobuf";
import { AccessTokenSchema } from "@quartet/contracts/gateway/v1/access_token_service";
import { describe, expect, it } from "@jest/globals";
import { fromAccessTokenMessage, toAccessTokenMessage } from "./convert-access-token.ts";
import { type AccessToken, roles } from "./domain/access/access-token.ts";

const token: AccessToken = {
  id: "a".repeat(16),
  label: "야간 배치",
  roles,
  createTime: new Date("2026-11-21T10:00:00.123Z"),
  expireTime: new Date("2027-01-01T00:00:00Z"),
  revokeTime: undefined,
};

describe("an access token", () => {
  it("comes back from a message with what its owner may choose", () => {
    const message = create(AccessTokenSchema, toAccessTokenMessage(token));
    const { label, expireTime } = token;
    expect(fromAccessTokenMessage(message)).toEqual({ label, roles, expireTime });
    expect(message.createTime).toBeDefined();
    expect(message.revokeTime).toBeUndefined();
  });

  it("has its label in NFC, and without a time to end it has none", () => {
    const { expireTime: _, ...endless } = token;
    const message = create(AccessTokenSchema, {
      ...toAccessTokenMessage({ ...endless, expireTime: undefined }),
      label: token.label.normalize("NFD"),
    });
    expect(fromAccessTokenMessage(message)).toEqual({ label: token.label, roles, expireTime: undefined });
  });
});
