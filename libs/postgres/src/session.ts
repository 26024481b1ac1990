import pg from "pg";
import { requestCancel } from "./cancel-request.ts";
import { toPostgresError } from "./errors.ts";

/** How long the server may take to stop a statement, or to roll back, before the connection is given up. */
const recoveryLimitMs = 1_000;

/**
 * One use of a connection, from its lending to its return.
 *
 *     idle --send--> running --answer--> idle --giveBack--> in the pool
 *                       |
 *                       '--recover: cancelled by our request--> idle --ROLLBACK--> in the pool
 *                                   anything else, or no answer in time--> closed
 *
 * A request to cancel names a connection, not a statement: one that comes late would hit the next user's. So the connection is used again only
 * when the statement is seen to have ended by it.
 */
export class Session {
  readonly #client: pg.PoolClient;
  readonly #returned: () => void;
  #isReturned = false;
  #running: Promise<unknown> | undefined;

  /** `returned` is called once, when the connection is lent no more. */
  constructor(client: pg.PoolClient, returned: () => void) {
    this.#client = client;
    this.#returned = returned;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Runs one statement, or several in one text without parameters. */
  async send(query: pg.QueryConfig): Promise<pg.QueryResult> {
    if (this.isRunning) throw new Error("a transaction runs one statement at a time; await each");
    const running = this.#client.query(query);
    this.#running = running;
    try {
      return await running;
    } catch (error) {
      throw toPostgresError(error);
    } finally {
      this.#running = undefined;
    }
  }

  giveBack(): void {
    this.#return(false);
  }

  /** Closes the connection: the server stops what it does for it within half a second. */
  discard(): void {
    this.#return(true);
  }

  #return(isBroken: boolean): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#client.release(isBroken);
    this.#returned();
  }

  /** Ends what is running and the transaction, and returns the connection, or closes it where that is not certain. Never throws. */
  async recover(): Promise<void> {
    try {
      const running = this.#running;
      if (running !== undefined && !(await isCancelled(running, this.#client))) return this.discard();
      await within(this.send({ text: "ROLLBACK" }), recoveryLimitMs);
    } catch {
      return this.discard();
    }
    this.giveBack();
  }
}

/** Whether the statement has ended by our request, and no request is under way any longer. */
async function isCancelled(running: Promise<unknown>, client: pg.ClientBase): Promise<boolean> {
  const taken = requestCancel(client, recoveryLimitMs);
  try {
    await within(running, recoveryLimitMs);
    return false;
  } catch (error) {
    return error instanceof pg.DatabaseError && error.code === "57014" && (await taken);
  }
}

async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("took too long")), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
