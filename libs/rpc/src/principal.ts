import { type ContextValues, createContextKey } from "@connectrpc/connect";

/** On whose behalf a call is made. It is set at the border, and travels in metadata that only Quartet's own processes set. */
export interface Principal {
  readonly tenant: string;
  readonly roles: readonly string[];
}

/** The one tenant of an installation without credentials. */
export const defaultTenant = "default";

const anonymous: Principal = Object.freeze({ tenant: defaultTenant, roles: Object.freeze([]) });

export const principalKey = createContextKey<Principal>(anonymous, { description: "principal" });
export const requestIdKey = createContextKey("", { description: "request id" });

/** Who asks: for stores, cache keys and limits. */
export function principalOf({ values }: { readonly values: ContextValues }): Principal {
  return values.get(principalKey);
}

/** The id that logs of every process carry for this request. */
export function requestIdOf({ values }: { readonly values: ContextValues }): string {
  return values.get(requestIdKey);
}

export const requestIdHeader = "x-request-id";
/** Everything under this prefix is Quartet's own and is never taken from outside. */
const internalHeaderPrefix = "quartet-";
const tenantHeader = "quartet-tenant";
const rolesHeader = "quartet-roles";

const namePattern = /^[\p{L}\p{N}_.-]{1,64}$/u;

/** Reads the principal that the gateway sent along; undefined if there is none or it is malformed. */
export function readPrincipal(header: Headers): Principal | undefined {
  const tenant = decode(header.get(tenantHeader));
  if (tenant === defaultTenant && !header.has(rolesHeader)) return anonymous;
  if (tenant === undefined || !namePattern.test(tenant)) return undefined;
  const roles = (decode(header.get(rolesHeader)) ?? "").split(",").filter((role) => namePattern.test(role));
  return { tenant, roles };
}

/** Sends the principal along to an inner service. */
export function writePrincipal(header: Headers, { tenant, roles }: Principal): void {
  header.set(tenantHeader, encodeURIComponent(tenant));
  if (roles.length > 0) header.set(rolesHeader, encodeURIComponent(roles.join(",")));
}

function decode(value: string | null): string | undefined {
  if (value === null) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** Removes what only Quartet's own processes may send. Called at the border, before anything reads it. */
export function stripInternalHeaders(header: Headers): void {
  for (const name of [...header.keys()]) {
    if (name.startsWith(internalHeaderPrefix)) header.delete(name);
  }
}
