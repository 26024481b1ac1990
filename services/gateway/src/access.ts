import { Code, ConnectError } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import {
  BulkheadFullError,
  CircuitOpenError,
  createBreaker,
  createBulkhead,
  createHopPolicy,
  type HopPolicy,
} from "@quartet/resilience";
import type { Authenticate } from "@quartet/rpc";
import type { Telemetry } from "@quartet/service";
import type { AccessStore } from "./domain/access/access-token.ts";
import { createAuthenticator } from "./domain/access/authenticator.ts";
import { createCredentialCache } from "./domain/access/credential-cache.ts";
import { toError } from "./handlers/errors.ts";
import { requiredRole } from "./handlers/required-roles.ts";
import { classify } from "./hops/hop-errors.ts";

/** How long a look-up may take, waiting included. */
const LOOK_UP_MS = 2_000;
const LONGEST_WAIT_MS = 1_000;

/**
 * Look-ups at once: of holders who were let in before, and of everybody else. They do not share places, so that a flood of invented tokens
 * costs the database no more than this, and keeps out nobody but newcomers.
 */
const KNOWN = { maxInFlight: 4, maxQueued: 1_000, maxWaitMs: LONGEST_WAIT_MS };
const UNKNOWN = { maxInFlight: 2, maxQueued: 64, maxWaitMs: LONGEST_WAIT_MS };

export interface Access {
  readonly authenticate: Authenticate;
  /** This replica asks the store for this credential before it lets its holder in again. */
  forget(id: string): void;
  close(): void;
}

/** Who may call, by the access tokens of a store. */
export function createAccess(store: AccessStore, { log, metrics }: Telemetry): Access {
  const lookUps = metrics.counter("quartet_access_lookups_total");
  const breaker = createBreaker({
    name: "access tokens",
    events: {
      stateChanged: (to, from) => log.warn({ from, to }, "breaker of the access tokens' store changed its state"),
    },
  });
  const policyOf = (limits: typeof KNOWN): HopPolicy =>
    createHopPolicy({
      name: "access tokens",
      breaker,
      bulkhead: createBulkhead({ name: "access tokens", ...limits }),
      classify,
      fairMs: LOOK_UP_MS,
    });
  const [ofKnown, ofUnknown] = [policyOf(KNOWN), policyOf(UNKNOWN)];
  const cache = createCredentialCache({
    load: async (id, { known }) => {
      try {
        const look = ({ signal }: { readonly signal: AbortSignal }) => store.find(id, signal);
        const credential = await (known ? ofKnown : ofUnknown).unary({ grantMs: LOOK_UP_MS }, look);
        lookUps.with({ outcome: credential === undefined ? "absent" : "found" }).add();
        return credential;
      } catch (error) {
        lookUps.with({ outcome: "failed" }).add();
        throw toLookUpError(error);
      }
    },
    now: () => performance.now(),
  });
  const authenticator = createAuthenticator({ credentials: cache, wallClock: Date.now });
  return {
    authenticate: async ({ header, method }) => {
      try {
        return await authenticator(header.get("authorization"), requiredRole(method));
      } catch (error) {
        throw withChallenge(toError(error));
      }
    },
    forget: cache.forget,
    close: () => breaker.close(),
  };
}

/** Says, as HTTP wants it (RFC 6750), what kind of credential is asked for. */
function withChallenge(error: unknown): unknown {
  if (error instanceof ConnectError && error.code === Code.Unauthenticated) {
    error.metadata.set("www-authenticate", "Bearer");
  }
  return error;
}

/** Why nobody can tell now who calls; never that a credential is wrong. */
function toLookUpError(cause: unknown): ConnectError {
  if (cause instanceof BulkheadFullError) {
    return quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: "Too many access tokens are being looked up. Try again shortly.",
      retryDelayMs: 500 + Math.random() * 1000,
      cause,
    });
  }
  const isOpen = cause instanceof CircuitOpenError;
  return quartetError({
    code: Code.Unavailable,
    reason: isOpen ? "CIRCUIT_OPEN" : "UPSTREAM_FAILED",
    message: "Access tokens cannot be looked up now. Try again shortly.",
    retryDelayMs: isOpen ? cause.retryAfterMs : 1_000,
    cause,
  });
}
