import { isIP } from "node:net";

/**
 * The grpc-js target of one or several addresses. One `host:port` is resolved by DNS, to however many addresses it has; several must be
 * `ip:port` of one family. A target with a scheme is left as it is.
 */
export function grpcTarget(target: string | readonly string[]): string {
  const targets = typeof target === "string" ? [target] : target;
  const [first] = targets;
  if (first === undefined) throw new Error("A transport needs at least one target.");
  if (targets.length === 1) return /^[a-z0-9+.-]+:(\/\/|[^\d])/i.test(first) ? first : `dns:///${first}`;
  const families = new Set(targets.map(family));
  const [only] = families;
  if (families.size !== 1 || only === 0) {
    throw new Error(
      "Several targets must be ip:port, all IPv4 or all [IPv6]; for names, use one that DNS resolves to all.",
    );
  }
  return `ipv${only}:${targets.join(",")}`;
}

function family(target: string): number {
  const host = target.slice(0, target.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return isIP(host);
}
