import type { StatementValues, Transaction } from "@quartet/postgres";
import type { Advice } from "../../../domain/advice.ts";
import { attempt, undone } from "./attempt.ts";
import { type Abilities, type Candidate, createIndexSql } from "./candidates.ts";
import type { Copies } from "./copy.ts";
import type { IndexNames } from "./index-names.ts";
import { expectedCost, expectedPlan, measure, type Measurement, runTimeoutMs, type Runner } from "./measure.ts";
import { planText } from "./plan-text.ts";
import { NotTriedError, type ReadStatement } from "./read-statement.ts";
import type { SlowStatement } from "./slow-statements.ts";

export interface TrialOptions {
  /** Schemas in the order in which names are looked for. */
  readonly searchPath: string;
  readonly abilities: Abilities;
  /** What copies of the tables of one statement may take. */
  readonly maxCopyBytes: number;
  /** Whether the login may act as a role. */
  readonly mayActAs: (role: string) => Promise<boolean>;
  readonly names: IndexNames;
}

/** A statement with copies of its tables, as it runs without any change. */
export interface Trial {
  readonly transaction: Transaction;
  readonly options: TrialOptions;
  readonly slow: SlowStatement;
  readonly statement: ReadStatement;
  readonly copies: Copies;
  /** On the copies. */
  readonly runner: Runner;
  readonly onCopies: Measurement;
  /** As it is today: on the tables themselves where they were copied whole. */
  readonly today: Measurement;
}

interface TrialParts extends Pick<Trial, "transaction" | "options" | "slow" | "statement" | "copies"> {
  readonly calls: readonly StatementValues[];
  readonly role: string | undefined;
}

export async function beginTrial({ calls, role, ...parts }: TrialParts): Promise<Trial> {
  const { transaction, slow, statement, copies, options } = parts;
  const runner = { role, calls, searchPath: `pg_temp, ${options.searchPath}` };
  const onCopies = await measureAtMost(transaction, statement.sql, runner);
  // Copies are searched last: the tables themselves are found.
  const onTables = { ...runner, searchPath: `${options.searchPath}, pg_temp` };
  const isOnlyCopy = copies.ratio < 1 || onCopies.isCutOff;
  const today = isOnlyCopy ? onCopies : await attempt(transaction, () => measure(transaction, slow.text, onTables));
  return { ...parts, runner, onCopies, today: today ?? onCopies };
}

/** The slowest statements do not end in time: then the limit stands for their time, and their plan was not run. */
async function measureAtMost(transaction: Transaction, sql: string, runner: Runner): Promise<Measurement> {
  const started = performance.now();
  const measured = await attempt(transaction, () => measure(transaction, sql, runner));
  if (measured !== undefined) return measured;
  const isCutOff = performance.now() - started >= runTimeoutMs;
  const plan = isCutOff ? await attempt(transaction, () => expectedPlan(transaction, sql, runner)) : undefined;
  if (plan === undefined) throw new NotTriedError("It failed when it was run on copies of its tables.");
  return { elapsedMs: runTimeoutMs, plan, isCutOff };
}

/** A change is worth an index, or another text, from here on: it takes at most this share of the time, and saves at least so much. */
const worthwhileRatio = 0.7;
const worthwhileMs = 0.05;

export const isWorthwhile = (after: Measurement, ...befores: readonly Measurement[]): boolean =>
  !after.isCutOff &&
  befores.every(
    ({ elapsedMs }) => after.elapsedMs <= worthwhileRatio * elapsedMs && elapsedMs - after.elapsedMs >= worthwhileMs,
  );

/** Builds indexes, runs a text where the planner would use them, and takes them away. Undefined where they are of no use. */
export async function tryIndexes(
  { transaction, copies, runner }: Trial,
  sql: string,
  candidates: readonly Candidate[],
): Promise<{ readonly after: Measurement; readonly bytes: number } | undefined> {
  return attempt(transaction, () =>
    undone(transaction, async () => {
      const expectedBefore = await expectedCost(transaction, sql, runner);
      const bytes = await buildIndexes(transaction, candidates, copies);
      if ((await expectedCost(transaction, sql, runner)) >= expectedBefore) return undefined;
      return { after: await measure(transaction, sql, runner), bytes };
    }),
  );
}

/** What an index is called on a copy: its place among the copy's relations makes it another each time. */
const trialName = /\bquartet_advised_\d+\b/g;

/** Builds indexes on copies, and gives the bytes that they take. */
export async function buildIndexes(
  transaction: Transaction,
  candidates: readonly Candidate[],
  copies: Copies,
): Promise<number> {
  let bytes = 0;
  for (const candidate of candidates) {
    const on = copies.sqlOf(candidate.table);
    const [place] = await transaction.query<{ number: number }>(
      "SELECT count(*) AS number FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
    );
    const name = `quartet_advised_${place?.number ?? 0}`;
    await transaction.execute(createIndexSql(candidate, { name, on }));
    // Statistics of an expression are those of its index.
    await transaction.execute(`ANALYZE ${on}`);
    const [size] = await transaction.query<{ bytes: number }>("SELECT pg_relation_size(to_regclass($1)) AS bytes", [
      `pg_temp.${name}`,
    ]);
    bytes += size?.bytes ?? 0;
  }
  return bytes;
}

/** What to run for indexes, a line each. */
export async function indexSql({ transaction, options }: Trial, candidates: readonly Candidate[]): Promise<string> {
  const lines: string[] = [];
  for (const candidate of candidates) {
    const name = await options.names.nameOf(transaction, candidate);
    lines.push(`${createIndexSql(candidate, { name, concurrently: true })};`);
  }
  return lines.join("\n");
}

interface Outcome {
  readonly explanation: string;
  readonly before: Measurement;
  readonly after: Measurement;
  /** On the copies. */
  readonly indexBytes: number;
}

export function adviceOf(
  { slow, copies }: Trial,
  proposal: Advice["proposal"],
  { explanation, before, after, indexBytes }: Outcome,
): Advice {
  const stopped = before.isCutOff ? ` Before, it was stopped after ${runTimeoutMs / 1000} s.` : "";
  return {
    statement: slow.text,
    proposal,
    explanation: explanation + stopped,
    beforeMs: before.elapsedMs,
    afterMs: after.elapsedMs,
    planBefore: planWithNames(before),
    planAfter: planWithNames(after),
    callCount: slow.callCount,
    indexBytes: Math.round(indexBytes / copies.ratio),
    sampledRatio: copies.ratio,
  };
}

const planWithNames = ({ plan }: Measurement): string => planText(plan.root).replaceAll(trialName, "the_new_index");
