import type { KeyPool } from "@quartet/key-pool";
import { type Breaker, createBreaker } from "@quartet/resilience";
import { createBreakerEvents, type Logger, type Metrics } from "@quartet/telemetry";
import { guardKeys } from "./guarded-keys.ts";
import { createProviderKeys, type ProviderKeysOptions } from "./keys.ts";
import { createProviderClient, type ProviderClient, type ProviderClientOptions } from "./provider-client.ts";
import type { TransportFigures } from "./transport.ts";

export interface ProviderOptions extends ProviderClientOptions, ProviderKeysOptions {
  readonly log: Pick<Logger, "warn">;
  readonly metrics: Metrics;
}

/** A service's way to its model provider. */
export interface Provider {
  readonly client: ProviderClient;
  /** For figures; calls go through `keysFor`. */
  readonly keys: KeyPool;
  /**
   * The keys for one use, with a breaker of its own: where another model fails than the service's, answers go on.
   *
   * @param hop a label of metrics and logs, so one of few, as `generation.answers`
   */
  keysFor(hop: string): KeyPool;
  figures(): TransportFigures & { readonly name: "provider" };
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

/**
 * When calls are left out. Answers are few and take long, so ten calls are enough to tell, from a window that holds them; a probe may think as
 * long as models do before their first word.
 */
const BREAKER = {
  minimumCalls: 10,
  failurePercent: 50,
  windowMs: 30_000,
  openMs: 5_000,
  probeLimitMs: 30_000,
} as const;

/** The owner closes it. */
export function createProvider({ log, metrics, ...options }: ProviderOptions): Provider {
  const client = createProviderClient(options);
  const keys = createProviderKeys(options);
  const breakers: Breaker[] = [];

  const openBreaker = (hop: string): Breaker => {
    const breaker = createBreaker({ ...BREAKER, name: hop, events: createBreakerEvents(hop, { log, metrics }) });
    breakers.push(breaker);
    return breaker;
  };

  return {
    client,
    keys,
    keysFor: (hop) => guardKeys(keys, openBreaker(hop)),
    figures: () => ({ name: "provider", ...client.figures() }),
    close: async () => {
      for (const breaker of breakers) breaker.close();
      await client.close();
    },
  };
}
