import type { Pool, Transaction } from "@quartet/postgres";
import type { CallOptions } from "../../domain/record-store.ts";

/** A transaction that stays open, with what was read when it began. It ends with `finish` or `giveUp`. */
export interface Lease<Value> {
  readonly value: Value;
  /** Does the last of the work and commits. Throws when the transaction was lost in between, or has ended already. */
  finish(options: CallOptions, work: (transaction: Transaction) => Promise<void>): Promise<void>;
  /** Ends the transaction without a change. */
  giveUp(): Promise<void>;
}

type Ending = (transaction: Transaction) => Promise<void>;

/** Begins a transaction and leaves it open with the value that `begin` reads; undefined, with nothing left open, when it reads none. */
export async function openLease<Value>(
  pool: Pool,
  { signal }: CallOptions,
  begin: (transaction: Transaction) => Promise<Value | undefined>,
): Promise<Lease<Value> | undefined> {
  signal.throwIfAborted();
  const lifetime = new AbortController();
  const during = <Result>(caller: AbortSignal, step: () => Promise<Result>): Promise<Result> => {
    const onAbort = () => lifetime.abort(caller.reason);
    if (caller.aborted) onAbort();
    caller.addEventListener("abort", onAbort, { once: true });
    return step().finally(() => caller.removeEventListener("abort", onAbort));
  };
  const begun = Promise.withResolvers<Value | undefined>();
  const ending = Promise.withResolvers<Ending>();
  const ended = pool.transaction({ signal: lifetime.signal }, async (transaction) => {
    const value = await begin(transaction);
    begun.resolve(value);
    if (value === undefined) return;
    await (
      await ending.promise
    )(transaction);
  });
  // Whoever waits for the beginning hears of a failure there; later ones are told at the end.
  ended.then(() => begun.resolve(undefined), begun.reject);
  const value = await during(signal, () => begun.promise);
  if (value === undefined) {
    await ended;
    return undefined;
  }
  let isOver = false;
  return {
    value,
    finish: async ({ signal: caller }, work) => {
      if (isOver) throw new Error("the transaction has ended already");
      isOver = true;
      ending.resolve(work);
      await during(caller, () => ended);
    },
    giveUp: async () => {
      isOver = true;
      ending.resolve(async () => {});
      await ended.catch(() => {});
    },
  };
}
