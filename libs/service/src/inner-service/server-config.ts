import { isLoopback } from "@quartet/rpc";
import { logLevels } from "@quartet/telemetry";
import { ConfigError, type ConfigOf } from "../config/parse-env.ts";
import { variable } from "../config/variable.ts";

const pemFile = (name: string, doc: string) =>
  variable.text(name, { optional: true, pattern: /^[^\0]{1,4096}$/, expected: "the path of a PEM file", doc });

/** What every process reads to show and check certificates between services. */
export const tlsVariables = {
  tlsCertificate: pemFile(
    "QUARTET_TLS_CERTIFICATE",
    "PEM file with the certificate that this service shows to others.",
  ),
  tlsPrivateKey: pemFile("QUARTET_TLS_PRIVATE_KEY", "PEM file with the key of QUARTET_TLS_CERTIFICATE."),
  tlsAuthority: pemFile(
    "QUARTET_TLS_AUTHORITY",
    "PEM file with the authority that signed the services' certificates; only callers that it signed are let in.",
  ),
} as const;

/** Where a process listens and how much it says. */
export const hostVariables = {
  host: variable.text("QUARTET_HOST", {
    default: "127.0.0.1",
    pattern: /^[\w.:-]{1,253}$/,
    expected: "an address or host name",
    doc: "Address to listen on; 127.0.0.1 is reached from this machine only.",
  }),
  logLevel: variable.choice("QUARTET_LOG_LEVEL", logLevels, {
    default: "info",
    doc: "The least important lines that are logged, to standard error.",
  }),
} as const;

/** What an inner service reads to be reached over gRPC; its own table adds to this. `service` as in `embedding`. */
export const serverVariables = ({ service, port }: { readonly service: string; readonly port: number }) =>
  ({
    port: variable.integer(`QUARTET_${service.toUpperCase()}_PORT`, {
      default: port,
      min: 0,
      max: 65_535,
      doc: `Port that the ${service} service listens on; 0 takes a free one.`,
    }),
    ...hostVariables,
    ...tlsVariables,
    trustNetwork: variable.flag("QUARTET_TRUST_NETWORK", {
      default: false,
      doc: "Whether inner services believe callers without certificates on other machines, because the network keeps strangers out.",
    }),
  }) as const;

export type ServerConfig = ConfigOf<ReturnType<typeof serverVariables>>;
export type TlsConfig = ConfigOf<typeof tlsVariables>;

/**
 * What an inner service is told by its caller, it believes; so others than this machine are let in by certificate or by the network alone.
 * @throws {ConfigError} if the host is reached from other machines and neither is set
 */
export function checkReach({ host, tlsAuthority, trustNetwork }: ServerConfig): void {
  if (isLoopback(host) || tlsAuthority !== undefined || trustNetwork) return;
  throw new ConfigError([
    `QUARTET_HOST: "${host}" lets other machines call this service, which believes its callers. Set QUARTET_TLS_CERTIFICATE, QUARTET_TLS_PRIVATE_KEY and QUARTET_TLS_AUTHORITY, or QUARTET_TRUST_NETWORK=true where the network keeps strangers out.`,
  ]);
}

/**
 * The three files go together, or none is given.
 * @throws {ConfigError} if some are missing
 */
export function checkTls(config: TlsConfig): void {
  const given = [config.tlsCertificate, config.tlsPrivateKey, config.tlsAuthority].filter((file) => file !== undefined);
  if (given.length === 0 || given.length === 3) return;
  throw new ConfigError([
    "QUARTET_TLS_CERTIFICATE, QUARTET_TLS_PRIVATE_KEY, QUARTET_TLS_AUTHORITY: set all three, or none.",
  ]);
}
