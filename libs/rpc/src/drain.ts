import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";

export interface DrainOptions {
  /** Settles when the last call has ended and every connection is closed. */
  readonly closed: Promise<void>;
  readonly limitMs: number;
  /** Ends what still runs, with a reason that its callers see. */
  readonly shutdown: AbortController;
  /** Closes connections whatever is on them. */
  readonly destroy: () => void;
}

/** How long calls have, once told that the process goes down, to send their last words. */
const lastWordsMs = 500;

/** finishing -> (limit less the last words) -> last words -> (limit) -> destroyed; or closed, from any of them. */
export async function drainWithin({ closed, limitMs, shutdown, destroy }: DrainOptions): Promise<void> {
  const lastWords = Math.min(lastWordsMs, limitMs / 2);
  if (await settlesWithin(closed, limitMs - lastWords)) return;
  shutdown.abort(
    quartetError({
      code: Code.Unavailable,
      reason: "DRAINING",
      message: "This process is going down; ask again, another one will answer.",
      retryDelayMs: 1000,
    }),
  );
  if (!(await settlesWithin(closed, lastWords))) destroy();
}

async function settlesWithin(done: Promise<void>, limitMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(late.resolve, limitMs, false);
  try {
    return await Promise.race([done.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
