import type { StatementValues, Transaction } from "@quartet/postgres";
import type { Advice } from "../../../domain/advice.ts";
import { attempt, undone } from "./attempt.ts";
import { type Abilities, type Candidate, covering, createIndexSql, indexCandidates, sameIndex } from "./candidates.ts";
import type { IndexNames } from "./index-names.ts";
import type { TableUse } from "./conditions.ts";
import { type Copies, copyTables, TooLargeError } from "./copy.ts";
import { guessCalls, UnknownParameterError } from "./guess-calls.ts";
import { expectedCost, measure, type Measurement, readingAs, type Runner } from "./measure.ts";
import { planText } from "./plan-text.ts";
import { NotTriedError, type ReadStatement, readStatement } from "./read-statement.ts";
import { type Rewrite, rewrites } from "./rewrites.ts";
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

/** A change is worth an index, or another text, from here on: it takes at most this share of the time, and saves at least so much. */
const worthwhileRatio = 0.7;
const worthwhileMs = 0.05;
/** Of two indexes that help about alike, the smaller one. */
const alikeRatio = 1.1;
/** Changes that are proposed for one statement, each on top of the earlier ones. */
const maxChanges = 2;
/** Copies read alike, from memory, before and after. */
const localBuffersMiB = 128;

/**
 * Tries what might make one statement faster on copies of its tables. Everything is done in the transaction, which the caller rolls back.
 *
 * @throws {NotTriedError}, with the reason
 */
export async function adviseStatement(
  transaction: Transaction,
  slow: SlowStatement,
  options: TrialOptions,
): Promise<readonly Advice[]> {
  await transaction.execute(`SET LOCAL temp_buffers = '${localBuffersMiB}MB'`);
  const role = slow.role !== undefined && (await options.mayActAs(slow.role)) ? slow.role : undefined;
  const statement = await readStatement(transaction, slow, { searchPath: options.searchPath, role });
  const candidates = statement.uses.flatMap((use) => {
    const table = statement.tables.find(({ name }) => name === use.table);
    return table === undefined
      ? []
      : indexCandidates(use, table, options.abilities).map((candidate) => ({ candidate, use }));
  });
  const otherWords = rewrites(statement.tree, statement.tables);
  if (candidates.length + otherWords.length === 0) {
    throw new NotTriedError("Every condition has its index already, and its text leaves nothing to change.");
  }
  const copies = await copied(transaction, statement, { maxBytes: options.maxCopyBytes, role });
  const calls = await callsOf(transaction, slow, statement, copies);
  const trial = await beginTrial(transaction, { slow, statement, copies, calls, role, searchPath: options.searchPath });
  return [...(await tryRewrites(trial, otherWords)), ...(await tryIndexes(trial, candidates, options))];
}

async function copied(
  transaction: Transaction,
  { tables }: ReadStatement,
  options: { readonly maxBytes: number; readonly role: string | undefined },
): Promise<Copies> {
  try {
    const copies = await attempt(transaction, () => copyTables(transaction, tables, options));
    if (copies !== undefined) return copies;
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    throw new NotTriedError(
      "More than one of its tables is larger than what is copied for a trial (QUARTET_ADVISE_COPY_BYTES).",
      { cause: error },
    );
  }
  throw new NotTriedError("Its tables cannot be copied with the rights that advice is sought with.");
}

async function callsOf(
  transaction: Transaction,
  { sample, rowCount, callCount }: SlowStatement,
  { tree, types, uses, tables }: ReadStatement,
  copies: Copies,
): Promise<readonly StatementValues[]> {
  // What a sample of the rows was asked for may not be in it.
  if (sample !== undefined && copies.ratio === 1) return [sample];
  const meanRows = rowCount / Math.max(callCount, 1);
  try {
    return await guessCalls(transaction, { statement: tree, types, uses, tables, sqlOf: copies.sqlOf, meanRows });
  } catch (error) {
    if (!(error instanceof UnknownParameterError)) throw error;
    if (sample !== undefined) return [sample];
    throw new NotTriedError(`Nothing in the database tells what its parameter $${error.parameter} might be.`, {
      cause: error,
    });
  }
}

/** A statement with copies of its tables, as it runs without any change. */
interface Trial {
  readonly transaction: Transaction;
  readonly slow: SlowStatement;
  readonly statement: ReadStatement;
  readonly copies: Copies;
  readonly runner: Runner;
  /** On the copies. */
  readonly copy: Measurement;
  /** What it is today: on the tables themselves where they were copied whole. */
  readonly today: Measurement;
}

interface TrialParts extends Pick<Trial, "slow" | "statement" | "copies"> {
  readonly calls: readonly StatementValues[];
  readonly role: string | undefined;
  readonly searchPath: string;
}

async function beginTrial(transaction: Transaction, { calls, role, searchPath, ...parts }: TrialParts): Promise<Trial> {
  const { slow, statement, copies } = parts;
  const runner = { role, calls, searchPath: `pg_temp, ${searchPath}` };
  const copy = await attempt(transaction, () => measure(transaction, statement.sql, runner));
  if (copy === undefined)
    throw new NotTriedError("It failed, or took too long, when it was run on copies of its tables.");
  // Searched last: the tables themselves are found.
  const onTables = { ...runner, searchPath: `${searchPath}, pg_temp` };
  const today = copies.ratio < 1 ? copy : await attempt(transaction, () => measure(transaction, slow.text, onTables));
  return { transaction, ...parts, runner, copy, today: today ?? copy };
}

/** Worth it against the copies, with which it was compared, and against the tables themselves. */
const isWorthwhile = (afterMs: number, ...befores: readonly number[]): boolean =>
  befores.every((beforeMs) => afterMs <= worthwhileRatio * beforeMs && beforeMs - afterMs >= worthwhileMs);

async function tryRewrites(trial: Trial, proposals: readonly Rewrite[]): Promise<readonly Advice[]> {
  const { transaction, statement, runner, copy, today } = trial;
  for (const { sql, explanation } of proposals) {
    const after = await attempt(transaction, async () => {
      if (!(await givesSameRows(transaction, [statement.sql, sql], runner))) return undefined;
      return measure(transaction, sql, runner);
    });
    if (after === undefined || !isWorthwhile(after.elapsedMs, copy.elapsedMs, today.elapsedMs)) continue;
    return [adviceOf(trial, { kind: "rewrite", sql }, { explanation, before: today, after, indexBytes: 0 })];
  }
  return [];
}

/** Whether two queries give the same rows, as often, for every call. */
async function givesSameRows(
  transaction: Transaction,
  [one, other]: readonly [string, string],
  runner: Runner,
): Promise<boolean> {
  const rows = (sql: string) => `SELECT t::text FROM (${sql}) AS t`;
  const [a, b] = [rows(one), rows(other)];
  return readingAs(transaction, runner, async () => {
    for (const { values, tenant } of runner.calls) {
      if (tenant !== undefined) await transaction.query("SELECT set_config('quartet.tenant', $1, true)", [tenant]);
      const differences = await transaction.query(
        `((${a}) EXCEPT ALL (${b})) UNION ALL ((${b}) EXCEPT ALL (${a})) LIMIT 1`,
        values,
      );
      if (differences.length > 0) return false;
    }
    return true;
  });
}

interface Tried {
  readonly candidate: Candidate;
  readonly use: TableUse;
  readonly after: Measurement;
  readonly bytes: number;
}

/** The best index, and then the best on top of it. */
async function tryIndexes(
  trial: Trial,
  proposals: readonly { readonly candidate: Candidate; readonly use: TableUse }[],
  options: TrialOptions,
): Promise<readonly Advice[]> {
  const advice: Advice[] = [];
  const { transaction, copies } = trial;
  let [left, before, isFirst] = [proposals, trial.copy, true];
  while (advice.length < maxChanges) {
    const tried: Tried[] = [];
    for (const proposal of left) tried.push(...(await tryIndex(trial, proposal, before)));
    const best = chooseBest(
      tried.filter(({ after }) =>
        isWorthwhile(after.elapsedMs, before.elapsedMs, ...(isFirst ? [trial.today.elapsedMs] : [])),
      ),
    );
    if (best === undefined) break;
    const chosen = await withCovering(trial, best);
    const name = await options.names.nameOf(transaction, chosen.candidate);
    const sql = createIndexSql(chosen.candidate, { name, concurrently: true });
    advice.push(
      adviceOf(
        trial,
        { kind: "index", sql: `${sql};` },
        {
          explanation: explain(chosen.candidate, advice.length > 0),
          before: isFirst ? trial.today : before,
          after: chosen.after,
          indexBytes: Math.round(chosen.bytes / copies.ratio),
        },
      ),
    );
    await buildIndex(transaction, chosen.candidate, copies);
    left = left.filter(({ candidate }) => !sameIndex(candidate, best.candidate));
    [before, isFirst] = [chosen.after, false];
  }
  return advice;
}

/** Builds an index, runs the statement where the planner would use it, and takes the index away. */
async function tryIndex(
  trial: Trial,
  { candidate, use }: { readonly candidate: Candidate; readonly use: TableUse },
  before: Measurement,
): Promise<readonly Tried[]> {
  const { transaction, statement, copies, runner } = trial;
  const tried = await attempt(transaction, () =>
    undone(transaction, async () => {
      const expectedBefore = await expectedCost(transaction, statement.sql, runner);
      const bytes = await buildIndex(transaction, candidate, copies);
      if ((await expectedCost(transaction, statement.sql, runner)) >= expectedBefore) return undefined;
      return { after: await measure(transaction, statement.sql, runner), bytes };
    }),
  );
  return tried === undefined || tried.after.elapsedMs >= before.elapsedMs ? [] : [{ candidate, use, ...tried }];
}

const trialIndex = "quartet_advised_index";

/** Bytes that it takes. */
async function buildIndex(transaction: Transaction, candidate: Candidate, copies: Copies): Promise<number> {
  const on = copies.sqlOf(candidate.table);
  const [place] = await transaction.query<{ number: number }>(
    "SELECT count(*) AS number FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
  );
  const name = `${trialIndex}_${place?.number ?? 0}`;
  await transaction.execute(createIndexSql(candidate, { name, on }));
  // Statistics of expressions are those of their index.
  await transaction.execute(`ANALYZE ${on}`);
  const [row] = await transaction.query<{ bytes: number }>("SELECT pg_relation_size(to_regclass($1)) AS bytes", [
    `pg_temp.${name}`,
  ]);
  return row?.bytes ?? 0;
}

/** The fastest; of those that are about as fast, the smallest. */
function chooseBest(tried: readonly Tried[]): Tried | undefined {
  const fastest = Math.min(...tried.map(({ after }) => after.elapsedMs));
  return tried
    .filter(({ after }) => after.elapsedMs <= alikeRatio * fastest + worthwhileMs)
    .sort((one, other) => one.bytes - other.bytes)[0];
}

/** Holds the other columns too where that helps once more. */
async function withCovering(trial: Trial, best: Tried): Promise<Tried> {
  const candidate = covering(best.candidate, best.use);
  if (candidate === undefined) return best;
  const [tried] = await tryIndex(trial, { candidate, use: best.use }, best.after);
  return tried !== undefined && isWorthwhile(tried.after.elapsedMs, best.after.elapsedMs) ? tried : best;
}

const explain = ({ purpose, predicate }: Candidate, isFurther: boolean): string =>
  `${isFurther ? "With the index above: it" : "It"} ${purpose}${predicate === undefined ? "" : ` (${predicate})`}.`;

function adviceOf(
  { slow, copies }: Trial,
  proposal: Advice["proposal"],
  {
    explanation,
    before,
    after,
    indexBytes,
  }: { explanation: string; before: Measurement; after: Measurement; indexBytes: number },
): Advice {
  return {
    statement: slow.text,
    proposal,
    explanation,
    beforeMs: before.elapsedMs,
    afterMs: after.elapsedMs,
    planBefore: planText(before.plan.root),
    planAfter: planText(after.plan.root),
    callCount: slow.callCount,
    indexBytes,
    sampledRatio: copies.ratio,
  };
}
