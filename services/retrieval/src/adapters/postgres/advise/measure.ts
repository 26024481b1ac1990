import type { StatementValues, Transaction } from "@quartet/postgres";
import { undone } from "./attempt.ts";
import { type ExplainRow, type Plan, planOf } from "./plan.ts";

/** How a statement is run. */
export interface Runner {
  /** Whose rights and row-level security hold; undefined for the login. */
  readonly role: string | undefined;
  /** Where names are looked for. */
  readonly searchPath: string;
  /** What its parameters are, in turn. */
  readonly calls: readonly StatementValues[];
}

export interface Measurement {
  /** The mean over calls of the median over runs. */
  readonly elapsedMs: number;
  /** Of one run of the first call, with the time of each node. */
  readonly plan: Plan;
  /** Whether it did not end in time: then the time is the limit, and the plan was not run. */
  readonly isCutOff: boolean;
}

/** The longest that one run may take. */
export const runTimeoutMs = 10_000;

/** Runs of each call; fewer where they take long. */
const runs = 5;
/** No more runs are begun after this. */
const enoughMs = 2_000;

/** Runs a statement some times, and gives what the server says that it took. Nothing can be written meanwhile. */
export function measure(
  transaction: Transaction,
  text: string,
  { role, searchPath, calls }: Runner,
): Promise<Measurement> {
  return readingAs(transaction, { role, searchPath }, async () => {
    await transaction.execute(`SET LOCAL statement_timeout = ${runTimeoutMs}`);
    const started = performance.now();
    const medians: number[] = [];
    let plan: Plan | undefined;
    for (const call of calls) {
      await nameTenant(transaction, call);
      // The first one also warms up, and is not counted where there are others.
      const first = planOf(await transaction.query<ExplainRow>(explain("ANALYZE, BUFFERS", text), call.values));
      plan ??= first;
      const times: number[] = [];
      while (times.length < runs && performance.now() - started < enoughMs) {
        const run = planOf(await transaction.query<ExplainRow>(explain("ANALYZE, TIMING OFF", text), call.values));
        times.push(run.executionMs ?? 0);
      }
      medians.push(times.length === 0 ? (first.executionMs ?? 0) : median(times));
    }
    return { elapsedMs: medians.reduce((sum, each) => sum + each, 0) / medians.length, plan: plan!, isCutOff: false };
  });
}

/** What the planner expects of the calls, without running them. */
export function expectedCost(
  transaction: Transaction,
  text: string,
  { role, searchPath, calls }: Runner,
): Promise<number> {
  return readingAs(transaction, { role, searchPath }, async () => {
    let sum = 0;
    for (const call of calls) {
      await nameTenant(transaction, call);
      const { root } = planOf(await transaction.query<ExplainRow>(explain("COSTS", text), call.values));
      sum += Number(root["Total Cost"]);
    }
    return sum;
  });
}

/** The plan of the first call, without running it. */
export function expectedPlan(
  transaction: Transaction,
  text: string,
  { role, searchPath, calls }: Runner,
): Promise<Plan> {
  return readingAs(transaction, { role, searchPath }, async () => {
    const [call] = calls;
    await nameTenant(transaction, call!);
    return planOf(await transaction.query<ExplainRow>(explain("COSTS", text), call!.values));
  });
}

/** Does something with the rights of a role, which can only read, and undoes all settings. */
export function readingAs<Result>(
  transaction: Transaction,
  { role, searchPath }: Pick<Runner, "role" | "searchPath">,
  work: () => Promise<Result>,
): Promise<Result> {
  return undone(transaction, async () => {
    await transaction.query("SELECT set_config('search_path', $1, true), set_config('role', $2, true)", [
      searchPath,
      role ?? "none",
    ]);
    await transaction.execute("SET LOCAL transaction_read_only = on");
    return work();
  });
}

export const explain = (options: string, text: string): string => `EXPLAIN (${options}, FORMAT JSON) ${text}`;

export async function nameTenant(transaction: Transaction, { tenant }: StatementValues): Promise<void> {
  if (tenant !== undefined) await transaction.query("SELECT set_config('quartet.tenant', $1, true)", [tenant]);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
