import type { DescMethod } from "@bufbuild/protobuf";
import type { Deadlines } from "../deadline.ts";

const grpcUnitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Completes a request's deadline in its own header, before Connect reads it: the default where there is none, the maximum where it is longer
 * (Connect would refuse it, and Node.js fires timers that are too long at once). What is no number is left for Connect to refuse.
 */
export function completeTimeout(header: Headers, deadlines: Deadlines, method?: DescMethod): void {
  if (header.get("content-type")?.startsWith("application/grpc") === true) {
    const given = header.get("grpc-timeout");
    const match = given === null ? undefined : /^(\d{1,8})([HMSmun])$/.exec(given);
    if (match === null) return;
    const requestedMs = match === undefined ? undefined : Number(match[1]) * grpcUnitsMs[match[2]!]!;
    header.set("grpc-timeout", toGrpcTimeout(deadlines.complete(requestedMs, method)));
    return;
  }
  const given = header.get("connect-timeout-ms");
  if (given !== null && !/^\d{1,10}$/.test(given)) return;
  const requestedMs = given === null ? undefined : Number(given);
  header.set("connect-timeout-ms", String(Math.ceil(deadlines.complete(requestedMs, method))));
}

/** gRPC's form has a unit and at most eight digits. */
function toGrpcTimeout(timeoutMs: number): string {
  const ms = Math.ceil(timeoutMs);
  return ms < 100_000_000 ? `${ms}m` : `${Math.ceil(ms / 1000)}S`;
}
