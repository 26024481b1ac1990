import type { DescService } from "@bufbuild/protobuf";
import { Health } from "@quartet/contracts/grpc/health/v1/health";
import { ServerReflection } from "@quartet/contracts/grpc/reflection/v1/reflection";
import { ServerReflection as ServerReflectionAlpha } from "@quartet/contracts/grpc/reflection/v1alpha/reflection";
import { createDeadlines, type Deadlines } from "./deadline.ts";
import type { Routes } from "./handler.ts";
import { createHealthService } from "./health.ts";
import { createReflectionService } from "./reflection.ts";

/** Health and reflection: on every server, for tools and platforms, outside of the chain that calls of users go through. */
export interface Infrastructure {
  readonly routes: Routes;
  /** A watch of health goes on for as long as its caller likes. */
  readonly deadlines: Deadlines;
  /** Makes a service known to both. */
  add(service: DescService): void;
  setServing(serving: boolean): void;
  /** Says "not serving" to whoever watches, and ends the watches. */
  close(): void;
}

/** Some 23 days; timers of Node.js that are longer than 2^31 ms fire at once. */
const longestMs = 2_000_000_000;

export function createInfrastructure({
  reflection = true,
}: {
  readonly reflection?: boolean | undefined;
}): Infrastructure {
  const health = createHealthService();
  const reflector = createReflectionService();
  const known = reflection ? [Health, ServerReflection, ServerReflectionAlpha] : [Health];
  known.forEach((service) => reflector.add(service));
  return {
    deadlines: createDeadlines({ defaultTimeoutMs: longestMs, maxTimeoutMs: longestMs }),
    routes(add) {
      add(Health, health.handlers);
      if (!reflection) return;
      add(ServerReflection, reflector.handlers);
      add(ServerReflectionAlpha, reflector.handlers as never);
    },
    add(service) {
      health.add(service);
      reflector.add(service);
    },
    setServing: health.setServing,
    close() {
      health.setServing(false);
      health.close();
    },
  };
}
