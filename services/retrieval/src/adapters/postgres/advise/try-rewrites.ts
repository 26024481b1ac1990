import type { StatementValues, Transaction } from "@quartet/postgres";
import type { Advice } from "../../../domain/advice.ts";
import { attempt, undone } from "./attempt.ts";
import { measure, nameTenant, readingAs, type Runner } from "./measure.ts";
import type { Rewrite } from "./rewrites.ts";
import { ownMark } from "./slow-statements.ts";
import { adviceOf, indexSql, isWorthwhile, type Trial } from "./trial.ts";
import { bestIndex, type Proposal, purposeOf } from "./try-indexes.ts";

/** What a statement in other words would ask of its tables, as indexes. */
export type ProposalsFor = (sql: string) => Promise<readonly Proposal[]>;

/** The first of the other words that gives the same rows in less time: as it stands, or with an index that the first words could not use. */
export async function adviseRewrite(
  trial: Trial,
  proposed: readonly Rewrite[],
  proposalsFor: ProposalsFor,
): Promise<readonly Advice[]> {
  for (const rewrite of proposed) {
    const found = await tryRewrite(trial, rewrite, proposalsFor);
    if (found !== undefined) return [found];
  }
  return [];
}

async function tryRewrite(trial: Trial, rewrite: Rewrite, proposalsFor: ProposalsFor): Promise<Advice | undefined> {
  const { transaction, statement, runner, onCopies, today } = trial;
  const calls = await attempt(transaction, () => callsOf(transaction, rewrite, runner));
  if (calls === undefined) return undefined;
  const other = { ...runner, calls };
  const isSame = await attempt(transaction, () =>
    givesSameRows(trial, { sql: statement.sql, runner }, { sql: rewrite.sql, runner: other }),
  );
  if (isSame !== true) return undefined;
  const after = await attempt(transaction, () => measure(transaction, rewrite.sql, other));
  const proposal = { kind: "rewrite", sql: rewrite.sql } as const;
  const { explanation } = rewrite;
  if (after !== undefined && isWorthwhile(after, onCopies, today)) {
    return adviceOf(trial, proposal, { explanation, before: today, after, indexBytes: 0 });
  }
  const best = await bestIndex({ ...trial, runner: other }, rewrite.sql, await proposalsFor(rewrite.sql), [
    today,
    onCopies,
  ]);
  if (best === undefined) return undefined;
  const needed = `It needs an index, which ${purposeOf(best)}: ${await indexSql(trial, best.candidates)}`;
  return adviceOf(trial, proposal, {
    explanation: `${explanation} ${needed}`,
    before: today,
    after: best.after,
    indexBytes: best.bytes,
  });
}

/** The calls of the other words: mostly those of the first. */
async function callsOf(
  transaction: Transaction,
  { keys }: Rewrite,
  runner: Runner,
): Promise<readonly StatementValues[] | undefined> {
  if (keys === undefined) return runner.calls;
  return readingAs(transaction, runner, async () => {
    const calls: StatementValues[] = [];
    for (const call of runner.calls) {
      await nameTenant(transaction, call);
      const given = keys.valuesBefore(call.values);
      const [row] =
        given === undefined ? [] : await transaction.query<{ key: readonly string[] }>(keys.sql + ownMark, given);
      if (row === undefined) return undefined;
      calls.push({ ...call, values: keys.valuesAfter(call.values, row.key) });
    }
    return calls;
  });
}

interface Text {
  readonly sql: string;
  readonly runner: Runner;
}

/** Whether two texts give the same rows, as often, for every call; of what does not end in time, on a part of the rows. */
async function givesSameRows(
  { transaction, statement, copies, onCopies }: Trial,
  one: Text,
  other: Text,
): Promise<boolean> {
  const compare = async () => (await digest(transaction, one)).join() === (await digest(transaction, other)).join();
  if (!onCopies.isCutOff) return compare();
  return undone(transaction, async () => {
    for (const table of statement.tables) {
      await transaction.execute(`DELETE FROM ${copies.sqlOf(table)} WHERE hashtext(ctid::text) % 25 <> 0`);
      await transaction.execute(`ANALYZE ${copies.sqlOf(table)}`);
    }
    return compare();
  });
}

/** For each call, how many rows there are, and a sum over them that their order does not change. */
function digest(transaction: Transaction, { sql, runner }: Text): Promise<readonly string[]> {
  return readingAs(transaction, runner, async () => {
    const digests: string[] = [];
    for (const call of runner.calls) {
      await nameTenant(transaction, call);
      const [row] = await transaction.query<{ digest: string }>(
        `SELECT ${ownMark} concat_ws(' ', count(*), sum(hashtextextended(t::text, 0)::numeric)) AS digest FROM (${sql}\n) AS t`,
        call.values,
      );
      digests.push(row!.digest);
    }
    return digests;
  });
}
