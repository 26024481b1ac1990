import { PostgresError, type Transaction } from "@quartet/postgres";

/** Runs a step that may be refused: then the transaction goes on as if it had not been tried, and undefined is given. */
export async function attempt<Result>(
  transaction: Transaction,
  step: () => Promise<Result>,
): Promise<Result | undefined> {
  await transaction.execute("SAVEPOINT attempt");
  try {
    const result = await step();
    await transaction.execute("RELEASE SAVEPOINT attempt");
    return result;
  } catch (error) {
    // Without a code nobody answered: there is nothing to go on with.
    if (!(error instanceof PostgresError) || error.sqlState === undefined || /^(08|57P)/.test(error.sqlState))
      throw error;
    await transaction.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt");
    return undefined;
  }
}

/** Runs a step, and undoes all that it did and set. */
export async function undone<Result>(transaction: Transaction, step: () => Promise<Result>): Promise<Result> {
  await transaction.execute("SAVEPOINT undone");
  const result = await step();
  await transaction.execute("ROLLBACK TO SAVEPOINT undone; RELEASE SAVEPOINT undone");
  return result;
}
