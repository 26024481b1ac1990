import { parseArgs } from "node:util";
import { create, toJsonString } from "@bufbuild/protobuf";
import { CreateAccessTokenResponseSchema } from "@quartet/contracts/gateway/v1/access_token_service";
import { SchemaError } from "@quartet/postgres";
import { type Environment, StartError, type TaskContext, UsageError } from "@quartet/service";
import { nfc } from "@quartet/text";
import { openOperatorStore, type OperatorStore } from "../adapters/postgres/operator-store.ts";
import { toAccessTokenMessage } from "../convert-access-token.ts";
import { type AccessToken, isRole, type Role, roles } from "../domain/access/access-token.ts";
import { formatTokenText, hashSecret, makeTokenText } from "../domain/access/secret.ts";
import { databaseUrlOf } from "./database-url.ts";

const usage = `usage: tokens create --tenant NAME [--label TEXT] [--role ${roles.join("|")}]... [--days N] [--json]
       tokens disable --tenant NAME
       tokens enable --tenant NAME
It works on the database at DATABASE_URL, with the login that owns the gateway's tables.`;

const tenantPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const MAX_LABEL_CHARS = 128;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * What an operator does about tenants: the first token of each, and letting a whole tenant in no more.
 *
 * @param note writes a line for people; the secret alone goes to `print`, so that a script can take it
 */
export function createTokensTask(args: readonly string[], note: (line: string) => void) {
  return async (environment: Environment, context: TaskContext): Promise<void> => {
    const command = read(args);
    const store = openOperatorStore(databaseUrlOf(environment));
    try {
      await run(command, store, { ...context, note });
    } catch (error) {
      throw error instanceof SchemaError ? new StartError(error.message, { cause: error }) : error;
    } finally {
      await store.close();
    }
  };
}

type Command =
  | {
      readonly name: "create";
      readonly tenant: string;
      readonly token: AccessToken;
      readonly secret: string;
      readonly json: boolean;
    }
  | { readonly name: "disable" | "enable"; readonly tenant: string };

async function run(
  command: Command,
  store: OperatorStore,
  { signal, print, note }: TaskContext & { readonly note: (line: string) => void },
): Promise<void> {
  const { tenant } = command;
  if (command.name === "create") {
    const { token, secret, json } = command;
    await store.createToken(tenant, token, hashSecret(secret), signal);
    const text = formatTokenText({ id: token.id, secret });
    if (!json) note(`A token of ${tenant} with ${token.roles.join(", ")}. It is shown this once:`);
    print(json ? asJson(token, text) : text);
    return;
  }
  if (!(await store.setEnabled(tenant, command.name === "enable", signal)))
    throw new StartError(`There is no tenant ${tenant}.`);
  note(
    command.name === "enable" ? `${tenant} is let in.` : `${tenant} is let in no more; all gateways know within 10 s.`,
  );
}

/** @throws {StartError} with what is wrong and the usage */
function read(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  const [name, ...rest] = positionals;
  if (rest.length > 0 || (name !== "create" && name !== "disable" && name !== "enable"))
    throw wrong("No such command.");
  const { tenant = "", label = "", role = ["read"], days, json = false } = values;
  if (!tenantPattern.test(tenant))
    throw wrong("--tenant: 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit.");
  if (name !== "create") return { name, tenant };
  if (!isRoles(role)) throw wrong(`--role: choose from ${roles.join(", ")}.`);
  if ([...label].length > MAX_LABEL_CHARS) throw wrong(`--label: at most ${MAX_LABEL_CHARS} characters.`);
  if (days !== undefined && !/^[1-9]\d{0,4}$/.test(days)) throw wrong("--days: a whole number from 1 to 99999.");
  const { id, secret } = makeTokenText();
  const createTime = new Date();
  const expireTime = days === undefined ? undefined : new Date(createTime.getTime() + Number(days) * DAY_MS);
  const token = { id, label: nfc(label), roles: [...new Set(role)], createTime, expireTime, revokeTime: undefined };
  return { name, tenant, token, secret, json };
}

const wrong = (what: string): UsageError => new UsageError(`${what}\n${usage}`);

const isRoles = (names: readonly string[]): names is readonly Role[] => names.every(isRole);

function parse(args: readonly string[]) {
  try {
    const options = {
      tenant: { type: "string" },
      label: { type: "string" },
      role: { type: "string", multiple: true },
      days: { type: "string" },
      json: { type: "boolean" },
    } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

const asJson = (token: AccessToken, secret: string): string =>
  toJsonString(
    CreateAccessTokenResponseSchema,
    create(CreateAccessTokenResponseSchema, { accessToken: toAccessTokenMessage(token), secret }),
  );
