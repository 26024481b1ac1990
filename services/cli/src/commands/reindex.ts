import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** Where no bar is drawn, a line is told this often at most. */
const lineEveryMs = 5_000;

export interface ReindexFlags {
  readonly retryRefused: boolean;
  /** Default: all; only of refused texts. */
  readonly collection?: string;
}

/** `quartet reindex` */
export async function reindex(context: Context, { retryRefused, collection }: ReindexFlags): Promise<ExitCode> {
  if (retryRefused) return await retryRefusedPassages(context, collection ?? "");
  if (collection === undefined) return await rebuildIndex(context);
  context.terminal.problem("--collection goes with --retry-refused: the keyword index is built anew as a whole.");
  return exitCodes.usage;
}

/** Their vectors come in the background; how many are refused again is in the status. */
async function retryRefusedPassages(context: Context, collection: string): Promise<ExitCode> {
  const { client, terminal, signal, json } = context;
  const { passageCount } = await client().operations.retryRefusedPassages({ collection }, { signal });
  if (json) terminal.json({ passages: Number(passageCount) });
  else if (passageCount === 0n) terminal.line("No passage is refused.");
  else {
    terminal.line(`${passageCount} ${passageCount === 1n ? "passage is" : "passages are"} tried again.`);
    terminal.note("`quartet status` shows how many are refused once more.");
  }
  return exitCodes.ok;
}

/** Ends when the new index is in use. Leaving it early, by Ctrl-C too, leaves the old one in use. */
async function rebuildIndex({ client, terminal, signal, json }: Context): Promise<ExitCode> {
  const startedAt = performance.now();
  const bar = terminal.progress("Rebuilding");
  let done = 0n;
  let toldAt = startedAt;
  try {
    // It takes as long as there are documents.
    for await (const { doneCount, totalCount } of client().operations.rebuildIndex({}, { signal, timeoutMs: 0 })) {
      done = doneCount;
      const detail = `${doneCount} of ${totalCount} documents`;
      bar.update(totalCount === 0n ? 1 : Number(doneCount) / Number(totalCount), detail);
      if (bar.isShown || performance.now() - toldAt < lineEveryMs) continue;
      toldAt = performance.now();
      terminal.note(detail);
    }
  } finally {
    bar.end();
  }
  const elapsedMs = Math.round(performance.now() - startedAt);
  if (json) terminal.json({ documents: Number(done), elapsed_ms: elapsedMs });
  else terminal.line(`The new index with ${done} documents is in use, after ${(elapsedMs / 1000).toFixed(1)} s.`);
  return exitCodes.ok;
}
