import type { Clock } from "./clock.ts";

/** One step of a plan, in the order in which the steps run. 0 <= floorMs <= targetMs <= capMs. */
export interface Stage {
  readonly name: string;
  /** With less than this it is not worth starting. */
  readonly floorMs: number;
  /** What an optional step before this one leaves for it. */
  readonly targetMs: number;
  /** It never gets more than this. */
  readonly capMs: number;
  /** Without a required stage there is no answer; an optional one is skipped when time is short. */
  readonly required: boolean;
}

/**
 * The deadline rule: what the stage at `index` may take of `leftMs`, or undefined when that is below its floor.
 *
 * It leaves the margin, and for every later required stage its floor; an optional stage is more polite and leaves their targets.
 * So once `minimumMs` was there at the start, and no stage takes more than its grant, every required stage gets its floor.
 */
export function grantMs(stages: readonly Stage[], index: number, leftMs: number, marginMs: number): number | undefined {
  const stage = stages[index]!;
  const kept = stages
    .slice(index + 1)
    .filter((later) => later.required)
    .reduce((sum, later) => sum + (stage.required ? later.floorMs : later.targetMs), marginMs);
  const grant = Math.min(stage.capMs, leftMs - kept);
  return grant >= stage.floorMs ? grant : undefined;
}

/** The shortest deadline that is worth admitting: the margin and the floors of all required stages. */
export const minimumMs = (stages: readonly Stage[], marginMs: number): number =>
  stages.reduce((sum, stage) => sum + (stage.required ? stage.floorMs : 0), marginMs);

/** There was not enough time for a required stage, so it was not started. */
export class OutOfTimeError extends Error {
  override readonly name = "OutOfTimeError";
  readonly stage: string;
  readonly leftMs: number;

  constructor(stage: string, leftMs: number) {
    super(`no time left for ${stage}`);
    this.stage = stage;
    this.leftMs = leftMs;
  }
}

export interface BudgetOptions<Name extends string> {
  readonly stages: readonly (Stage & { readonly name: Name })[];
  /** The time until the client's deadline, counted from now. */
  readonly totalMs: number;
  /** Kept for what comes after the last stage: encoding, and the way back. Default: 0. */
  readonly marginMs?: number;
  /** Default: `performance`. */
  readonly clock?: Clock;
}

/** One request's time, shared by its stages. */
export interface Budget<Name extends string = string> {
  /** Whether the deadline leaves the floor of every required stage. Asked once, before any work. */
  readonly admits: boolean;
  /** What `admits` asks for: what to tell a client whose deadline is too short. */
  readonly minimumMs: number;
  /** Until the deadline; 0 once it is over. */
  leftMs(): number;
  /**
   * What the stage may take from now on; undefined when an optional stage is to be skipped. Legs that run in parallel share one grant.
   *
   * @throws {OutOfTimeError} when a required stage would get less than its floor.
   */
  grantMs(stage: Name): number | undefined;
}

/** Binds a plan to the clock. @throws {RangeError} when a stage is not 0 <= floorMs <= targetMs <= capMs, or a name stands twice. */
export function createBudget<Name extends string>(options: BudgetOptions<Name>): Budget<Name> {
  const { stages, totalMs, marginMs = 0, clock = performance } = options;
  for (const { name, floorMs, targetMs, capMs } of stages) {
    if (!(floorMs >= 0 && floorMs <= targetMs && targetMs <= capMs)) {
      throw new RangeError(`stage ${name}: 0 <= floorMs <= targetMs <= capMs does not hold`);
    }
  }
  const indexes = new Map(stages.map(({ name }, index) => [name, index]));
  if (indexes.size !== stages.length) throw new RangeError("two stages have the same name");
  const deadline = clock.now() + totalMs;
  const leftMs = () => Math.max(0, deadline - clock.now());
  const least = minimumMs(stages, marginMs);
  return {
    admits: totalMs >= least,
    minimumMs: least,
    leftMs,
    grantMs: (name) => {
      const index = indexes.get(name)!;
      const left = leftMs();
      const grant = grantMs(stages, index, left, marginMs);
      if (grant === undefined && stages[index]!.required) throw new OutOfTimeError(name, left);
      return grant;
    },
  };
}
