import { create, toJson } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type AccessToken, Role } from "@quartet/client";
import { AccessTokenSchema, CreateAccessTokenResponseSchema } from "@quartet/contracts/gateway/v1/access_token_service";
import { runOperatorCommand } from "../adapters/operator-process.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

export const roleNames = ["read", "write", "admin"] as const;

type RoleName = (typeof roleNames)[number];

const roles: Readonly<Record<RoleName, Role>> = { read: Role.READ, write: Role.WRITE, admin: Role.ADMIN };

const dayMs = 24 * 60 * 60 * 1000;

export interface CreateOptions {
  /** Undefined: the caller's own. */
  readonly tenant?: string;
  readonly label: string;
  readonly role?: readonly RoleName[];
  readonly days?: number;
}

/** `quartet tokens create`: the token alone goes to stdout, so that a script can take it. */
export async function createToken(context: Context, options: CreateOptions): Promise<ExitCode> {
  const { label, role = ["read"], days, tenant } = options;
  if (tenant !== undefined) {
    const lasting = days === undefined ? [] : ["--days", String(days)];
    const granted = role.flatMap((each) => ["--role", each]);
    const json = context.json ? ["--json"] : [];
    return await runOperatorCommand(context, "tokens", [
      "create",
      `--tenant=${tenant}`,
      `--label=${label}`,
      ...granted,
      ...lasting,
      ...json,
    ]);
  }
  const accessToken = create(AccessTokenSchema, { label, roles: role.map((each) => roles[each]) });
  if (days !== undefined) accessToken.expireTime = timestampFromDate(new Date(Date.now() + days * dayMs));
  const { terminal, signal, json } = context;
  const response = await context.client().accessTokens.createAccessToken({ accessToken }, { signal });
  if (json) {
    terminal.json(toJson(CreateAccessTokenResponseSchema, response));
  } else {
    terminal.note(`A token with ${role.join(", ")}. It is shown this once:`);
    terminal.line(terminal.safe(response.secret));
  }
  return exitCodes.ok;
}

/** `quartet tokens list` */
export async function listTokens({ client, terminal, signal, json }: Context): Promise<ExitCode> {
  const tokens: AccessToken[] = [];
  let pageToken = "";
  do {
    const page = await client().accessTokens.listAccessTokens({ pageToken, pageSize: 200 }, { signal });
    tokens.push(...page.accessTokens);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  if (json) terminal.json({ access_tokens: tokens.map((token) => toJson(AccessTokenSchema, token)) });
  else for (const token of tokens) terminal.line(describe(token, terminal));
  return tokens.length === 0 ? exitCodes.nothingFound : exitCodes.ok;
}

/** `quartet tokens revoke ID` */
export async function revokeToken(context: Context, accessTokenId: string): Promise<ExitCode> {
  const { terminal, signal, json } = context;
  const { accessToken } = await context.client().accessTokens.revokeAccessToken({ accessTokenId }, { signal });
  if (!accessToken) throw new Error("The server sent no access token.");
  if (json) terminal.json(toJson(AccessTokenSchema, accessToken));
  else terminal.line(describe(accessToken, terminal));
  return exitCodes.ok;
}

/** `quartet tokens disable|enable --tenant NAME` */
export async function switchTenant(context: Context, command: "disable" | "enable", tenant: string): Promise<ExitCode> {
  return await runOperatorCommand(context, "tokens", [command, `--tenant=${tenant}`]);
}

function describe(token: AccessToken, { bold, dim, safe }: Context["terminal"]): string {
  const names = roleNames.filter((name) => token.roles.includes(roles[name]));
  return `${bold(safe(token.id))}  ${names.join(",").padEnd(16)}  ${stateOf(token).padEnd(22)}  ${dim(safe(token.label))}`;
}

function stateOf({ revokeTime, expireTime }: AccessToken): string {
  if (revokeTime) return `revoked ${timestampDate(revokeTime).toISOString().slice(0, 10)}`;
  if (!expireTime) return "valid";
  const expires = timestampDate(expireTime);
  return `${expires.getTime() <= Date.now() ? "expired" : "valid until"} ${expires.toISOString().slice(0, 10)}`;
}
