import type { DescMethod } from "@bufbuild/protobuf";
import type { Deadlines } from "./deadline.ts";

/** The deadlines that callers name, each in its protocol's header. */
export const grpcTimeoutHeader = "grpc-timeout";
export const connectTimeoutHeader = "connect-timeout-ms";

/** As Headers or Node.js give it. */
type HeaderValue = string | readonly string[] | null | undefined;

const grpcUnitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds that a `grpc-timeout` means. Undefined where there is none, NaN where it is no time. */
export function grpcTimeoutMs(value: HeaderValue): number | undefined {
  if (value === undefined || value === null) return undefined;
  const match = typeof value === "string" ? /^(\d{1,8})([HMSmun])$/.exec(value) : null;
  return match === null ? NaN : Number(match[1]) * grpcUnitsMs[match[2]!]!;
}

/** The milliseconds that a `connect-timeout-ms` means. Undefined where there is none, NaN where it is no time. */
export function connectTimeoutMs(value: HeaderValue): number | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : NaN;
}

/**
 * Completes a request's deadline in its own header, before Connect reads it: the default where there is none, the maximum where it is longer
 * (Connect would refuse it, and Node.js fires timers that are too long at once). What is no number is left for Connect to refuse.
 */
export function completeTimeout(header: Headers, deadlines: Deadlines, method?: DescMethod): void {
  const isGrpc = header.get("content-type")?.startsWith("application/grpc") === true;
  const name = isGrpc ? grpcTimeoutHeader : connectTimeoutHeader;
  const requestedMs = (isGrpc ? grpcTimeoutMs : connectTimeoutMs)(header.get(name));
  if (Number.isNaN(requestedMs)) return;
  const timeoutMs = Math.ceil(deadlines.complete(requestedMs, method));
  header.set(name, isGrpc ? toGrpcTimeout(timeoutMs) : String(timeoutMs));
}

/** gRPC's form has a unit and at most eight digits. */
function toGrpcTimeout(ms: number): string {
  return ms < 100_000_000 ? `${ms}m` : `${Math.ceil(ms / 1000)}S`;
}
