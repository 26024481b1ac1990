import { Code, type HandlerContext } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { type Bulkhead, BulkheadFullError, type Slot } from "@quartet/resilience";
import { toError } from "./errors.ts";

type Unary<I, O> = (request: I, context: HandlerContext) => Promise<O>;
type Streaming<I, O> = (request: I, context: HandlerContext) => AsyncGenerator<O, void, undefined>;

/** What every handler of the gateway goes through: a place for the length of the call, and errors of the contract. */
export interface Admission {
  unary<I, O>(handler: Unary<I, O>): Unary<I, O>;
  stream<I, O>(handler: Streaming<I, O>): Streaming<I, O>;
}

/** Admits as many calls at once as the bulkhead has places; the rest fail with RESOURCE_EXHAUSTED, reason OVERLOADED, and when to come again. */
export function createAdmission(places: Bulkhead): Admission {
  return {
    unary: (handler) => async (request, context) => {
      const place = await takePlace(places, context);
      try {
        return await handler(request, context);
      } catch (error) {
        throw toError(error);
      } finally {
        place.release();
      }
    },
    stream: (handler) =>
      async function* (request, context) {
        const place = await takePlace(places, context);
        try {
          yield* handler(request, context);
        } catch (error) {
          throw toError(error);
        } finally {
          place.release();
        }
      },
  };
}

async function takePlace(places: Bulkhead, { signal }: HandlerContext): Promise<Slot> {
  try {
    return await places.acquire({ signal });
  } catch (error) {
    if (!(error instanceof BulkheadFullError)) throw error;
    throw quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: "The gateway is at its limit. Try again after the time given.",
      // Spread out, so that those refused together do not come back together.
      retryDelayMs: 500 + Math.random() * 1000,
      cause: error,
    });
  }
}
