import type { StatementValues, Transaction } from "@quartet/postgres";
import type { Advice } from "../../../domain/advice.ts";
import { attempt } from "./attempt.ts";
import { indexCandidates } from "./candidates.ts";
import type { TableUse } from "./conditions.ts";
import { type Copies, copyTables, TooLargeError } from "./copy.ts";
import { guessCalls, UnknownParameterError } from "./guess-calls.ts";
import { NotTriedError, type ReadStatement, readStatement, readUses } from "./read-statement.ts";
import { rewrites } from "./rewrites.ts";
import type { SlowStatement } from "./slow-statements.ts";
import { beginTrial, type TrialOptions } from "./trial.ts";
import { adviseIndexes, type Proposal } from "./try-indexes.ts";
import { adviseRewrite } from "./try-rewrites.ts";

/** Copies are read alike, from memory, before and after. */
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
  const { searchPath, maxCopyBytes, mayActAs } = options;
  const role = slow.role !== undefined && (await mayActAs(slow.role)) ? slow.role : undefined;
  const statement = await readStatement(transaction, slow, { searchPath, role });
  const proposals = proposalsOf(statement.uses, statement, options);
  const otherWords = rewrites(statement.tree, statement.tables);
  if (proposals.length + otherWords.length === 0) {
    throw new NotTriedError("Every condition has its index already, and its text leaves nothing to change.");
  }
  const copies = await copied(transaction, statement, { maxBytes: maxCopyBytes, role });
  const calls = await callsOf(transaction, slow, statement, copies);
  const trial = await beginTrial({ transaction, options, slow, statement, copies, calls, role });
  const proposalsFor = async (sql: string) => {
    const read = await attempt(transaction, () => readUses(transaction, sql, statement.tables, { searchPath, role }));
    return proposalsOf(read?.uses ?? [], statement, options);
  };
  return [...(await adviseRewrite(trial, otherWords, proposalsFor)), ...(await adviseIndexes(trial, proposals))];
}

/** Indexes for what a statement asks of its tables. */
const proposalsOf = (
  uses: readonly TableUse[],
  { tables }: ReadStatement,
  { abilities }: TrialOptions,
): readonly Proposal[] =>
  uses.flatMap((use) => {
    const table = tables.find(({ name }) => name === use.table);
    return table === undefined ? [] : indexCandidates(use, table, abilities).map((candidates) => ({ use, candidates }));
  });

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
