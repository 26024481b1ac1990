import type { DescService } from "@bufbuild/protobuf";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "@quartet/contracts/grpc/health/v1/health";
import { abortError } from "./errors.ts";

export interface HealthService {
  readonly handlers: ServiceImpl<typeof Health>;
  /** Names a service that is asked about by itself. */
  add(service: DescService): void;
  /** Whether the process takes calls, for all its services. Before the first time: no. */
  setServing(serving: boolean): void;
  /** Ends what still watches, after it has been told the last status. */
  close(): void;
}

/** grpc.health.v1: what load balancers and Kubernetes ask. The empty name stands for the whole server. */
export function createHealthService(): HealthService {
  const services = new Set([""]);
  let status: Status = Status.NOT_SERVING;
  let closed = false;
  let change = Promise.withResolvers<void>();
  const changed = () => {
    change.resolve();
    change = Promise.withResolvers();
  };

  return {
    add: ({ typeName }) => void services.add(typeName),
    setServing(serving) {
      status = serving ? Status.SERVING : Status.NOT_SERVING;
      changed();
    },
    close() {
      closed = true;
      changed();
    },
    handlers: {
      check({ service }) {
        if (services.has(service)) return { status };
        throw quartetError({ code: Code.NotFound, reason: "NOT_FOUND", message: "This server has no such service." });
      },
      async *watch({ service }, { signal }) {
        let told: Status | undefined;
        for (;;) {
          const next = change.promise;
          const current = services.has(service) ? status : Status.SERVICE_UNKNOWN;
          if (current !== told) yield { status: (told = current) };
          if (closed) return;
          await until(next, signal);
        }
      },
      list: () => ({ statuses: Object.fromEntries([...services].map((service) => [service, { status }])) }),
    },
  };
}

/** Waits, but no longer than the call lasts. */
async function until(event: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(abortError(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([event, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
