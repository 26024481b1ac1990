import { Code, ConnectError } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "@quartet/contracts/grpc/health/v1/health";
import { createClient } from "@quartet/rpc";
import type { Transports } from "./hops/hops.ts";

const timeoutMs = 1_000;

/** Which of the inner services do not answer, by name; empty when requests can be served. */
export type Readiness = (signal: AbortSignal) => Promise<readonly string[]>;

/** Asks the health service of every inner service, all at once, each for a second at most. */
export function createReadiness(transports: Transports): Readiness {
  const checks = Object.entries(transports).map(([name, transport]) => {
    const health = createClient(Health, transport);
    return async (signal: AbortSignal) => {
      try {
        const { status } = await health.check({}, { signal, timeoutMs });
        return status === Serving.SERVING ? [] : [name];
      } catch (error) {
        // In memory there is no process that could be down, and so no health service.
        return ConnectError.from(error).code === Code.Unimplemented ? [] : [name];
      }
    };
  });
  return async (signal) => (await Promise.all(checks.map((check) => check(signal)))).flat();
}
