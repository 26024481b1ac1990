import type { HandlerContext } from "@connectrpc/connect";
import { type CallPlan, createBudget } from "../domain/budget.ts";
import { Refusal } from "../domain/refusal.ts";
import { type Call, type LeftOut, type Run, startRun } from "../domain/stages.ts";

/** For hosts that do not complete the deadline of a call that names none. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** The time a call has left. */
export const timeLeftMs = (context: HandlerContext): number => context.timeoutMs() ?? DEFAULT_TIMEOUT_MS;

/** Begins the run of one call of a kind; throws a Refusal, DEADLINE_TOO_SHORT, when its deadline cannot be met. */
export type BeginRun = (context: HandlerContext) => Run;

export function createBeginRun({
  plan,
  now,
  leftOut,
}: {
  readonly plan: CallPlan;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
  /** Called for every stage that a result goes without. */
  readonly leftOut: (context: HandlerContext, ...what: Parameters<LeftOut>) => void;
}): BeginRun {
  return (context) =>
    startRun(createBudget(plan, timeLeftMs(context), now), {
      signal: context.signal,
      origin: context.values,
      leftOut: (...what) => leftOut(context, ...what),
    });
}

/** Kept of a call's deadline for what is around its one hop. */
export const MARGIN_MS = 20;

/** Less than this is not worth asking the record with. */
const FLOOR_MS = 10;

/**
 * The call to the one hop of an rpc that composes nothing: it has all the time there is.
 *
 * @throws {Refusal} DEADLINE_TOO_SHORT when there is hardly any.
 */
export function beginCall(context: HandlerContext): Call {
  const timeoutMs = timeLeftMs(context) - MARGIN_MS;
  if (timeoutMs < FLOOR_MS) {
    throw new Refusal("DEADLINE_TOO_SHORT", `Give the call a deadline of at least ${FLOOR_MS + MARGIN_MS} ms.`);
  }
  return { signal: context.signal, origin: context.values, timeoutMs, floorMs: FLOOR_MS };
}
