import { describe, expect, it } from "@jest/globals";
import { Refusal } from "../refusal.ts";
import type { Credential } from "./access-token.ts";
import { createAuthenticator } from "./authenticator.ts";
import { formatTokenText, hashSecret, makeTokenText } from "./secret.ts";

const text = makeTokenText();
const held: Credential = {
  tenant: "고객-1",
  roles: ["read", "write"],
  secretHash: hashSecret(text.secret),
  expireTime: new Date(10_000),
};

function setUp(credential: Credential | undefined = held, now = 9_999) {
  return createAuthenticator({ credentials: { get: () => credential }, wallClock: () => now });
}

const refusal = async (call: Promise<unknown>): Promise<Refusal> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Refusal) return error;
  throw new Error("it was not refused", { cause: error });
};

const bearer = `Bearer ${formatTokenText(text)}`;
const other = `Bearer ${formatTokenText({ ...text, secret: makeTokenText().secret })}`;

describe("who calls", () => {
  it("is whoever holds a token with the role", async () => {
    expect(await setUp()(bearer, "write")).toEqual({ tenant: "고객-1", roles: ["read", "write"] });
  });

  it("is told nothing but that the credential is not valid, in the same words whatever it is", async () => {
    const absent = createAuthenticator({ credentials: { get: () => undefined }, wallClock: () => 0 });
    const refusals = await Promise.all([
      refusal(setUp()(null, "read")),
      refusal(setUp()("Bearer nonsense", "read")),
      refusal(setUp()(other, "read")),
      refusal(absent(bearer, "read")),
      refusal(setUp(held, 10_000)(bearer, "read")),
    ]);
    expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set(["CREDENTIAL_INVALID"]));
    expect(new Set(refusals.map(({ message }) => message)).size).toBe(1);
  });

  it("needs the very role: none of them includes another", async () => {
    const admin = setUp({ ...held, roles: ["admin"] });
    expect((await refusal(setUp()(bearer, "admin"))).reason).toBe("ROLE_MISSING");
    expect((await refusal(admin(bearer, "read"))).reason).toBe("ROLE_MISSING");
    // Whoever does not hold the token does not learn what it may do.
    expect((await refusal(admin(other, "read"))).reason).toBe("CREDENTIAL_INVALID");
  });

  it("is not said to be nobody when that cannot be known", async () => {
    const away = createAuthenticator({
      credentials: { get: () => Promise.reject(new Error("away")) },
      wallClock: () => 0,
    });
    await expect(away(bearer, "read")).rejects.toThrow("away");
  });
});
