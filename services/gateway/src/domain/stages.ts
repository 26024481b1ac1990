import { reasonOf, type Reason } from "@quartet/errors";
import type { Budget, Grant } from "./budget.ts";
import type { Degradation, StageName, StageStatus, StageTiming, Timings, Usage } from "./outcome.ts";
import { Refusal } from "./refusal.ts";

/** What goes along with a call to a hop: the time it is granted, and a signal that is aborted when nobody waits for it any more. */
export interface Call extends Grant {
  readonly signal: AbortSignal;
  /** Who asks, and under which request ID: for the hops to hand on; the rules do not look into it. */
  readonly origin: unknown;
}

/** The state of one question on its way: its clock, what it has left out, and where its time went. */
export interface Run {
  readonly signal: AbortSignal;
  readonly origin: unknown;
  readonly budget: Budget;
  readonly degradations: Degradation[];
  readonly stages: StageTiming[];
  /** What providers were asked for so far. */
  usage: Usage | undefined;
  /** A stage's error ends here, as a degradation: the log is the only other place where it is seen. */
  readonly leftOut: LeftOut;
}

export type LeftOut = (stage: StageName, reason: Reason, error: unknown) => void;

/** Begins the run of one call; its clock ticks from here. */
export const startRun = (budget: Budget, caller: Pick<Run, "signal" | "origin" | "leftOut">): Run => ({
  ...caller,
  budget,
  degradations: [],
  stages: [],
  usage: undefined,
});

/** Where its time went, as of now. */
export const timingsOf = ({ budget, stages }: Run, firstTokenMs?: number): Timings => ({
  stages,
  totalMs: budget.elapsedMs(),
  budgetMs: budget.totalMs,
  ...(firstTokenMs === undefined ? {} : { firstTokenMs }),
});

/** The stage's own view of how it went, where OK is not all there is to say. */
export type Judge<T> = (value: T) => StageStatus;

const alwaysOk = (): StageStatus => "OK";

/** Reasons for which a stage was not begun at the other side. */
const notBegun: ReadonlySet<Reason> = new Set(["OUT_OF_TIME", "CIRCUIT_OPEN", "OVERLOADED"]);

/** The reason of anything a stage may fail with. */
export const reasonFor = (error: unknown): Reason =>
  error instanceof Refusal ? error.reason : (reasonOf(error) ?? "UPSTREAM_FAILED");

/**
 * Runs a stage that the result can do without. What it fails with becomes a degradation and `undefined`;
 * only the caller's own cancel or deadline is thrown.
 */
export async function optionalStage<T>(
  run: Run,
  stage: StageName,
  missing: (reason: Reason) => Degradation,
  work: (call: Call) => Promise<T>,
  judge: Judge<T> = alwaysOk,
): Promise<T | undefined> {
  const timer = startStage(run, stage);
  if (timer.call === undefined) {
    timer.end("SKIPPED");
    run.leftOut(stage, "OUT_OF_TIME", undefined);
    run.degradations.push(missing("OUT_OF_TIME"));
    return undefined;
  }
  try {
    const value = await work(timer.call);
    timer.end(judge(value));
    return value;
  } catch (error) {
    run.signal.throwIfAborted();
    const reason = reasonFor(error);
    timer.end(notBegun.has(reason) ? "SKIPPED" : "FAILED");
    run.leftOut(stage, reason, error);
    run.degradations.push(missing(reason));
    return undefined;
  }
}

/**
 * Runs a stage without which there is no result.
 *
 * @throws {Refusal} OUT_OF_TIME before any call when its floor does not fit; else what the hop fails with.
 */
export async function requiredStage<T>(
  run: Run,
  stage: StageName,
  work: (call: Call) => Promise<T>,
  judge: Judge<T> = alwaysOk,
): Promise<T> {
  const timer = startStage(run, stage);
  const value = await work(timer.require());
  timer.end(judge(value));
  return value;
}

export interface StageTimer {
  /** What goes along with the call; undefined when there is not enough time left to begin. */
  readonly call: Call | undefined;
  /** @throws {Refusal} OUT_OF_TIME when there is not enough time left to begin. */
  require(): Call;
  end(status: StageStatus): StageTiming;
}

/** Grants a stage its time and takes the time it takes. */
export function startStage({ budget, signal, origin, stages }: Run, stage: StageName): StageTimer {
  const startDelayMs = budget.elapsedMs();
  const grant = budget.grant(stage);
  const call = grant && { ...grant, signal, origin };
  return {
    call,
    require: () => {
      if (call !== undefined) return call;
      throw new Refusal("OUT_OF_TIME", `No time was left to begin ${stage}. Give the call a longer deadline.`);
    },
    end: (status) => {
      const timing = {
        stage,
        status,
        startDelayMs,
        elapsedMs: budget.elapsedMs() - startDelayMs,
        grantMs: call?.timeoutMs ?? 0,
      };
      stages.push(timing);
      return timing;
    },
  };
}
