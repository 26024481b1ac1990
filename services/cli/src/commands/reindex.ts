import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** Where no bar is drawn, a line is told this often at most. */
const lineEveryMs = 5_000;

/** `quartet reindex`: ends when the new index is in use. Leaving it early, by Ctrl-C too, leaves the old one in use. */
export async function reindex({ client, terminal, signal, json }: Context): Promise<ExitCode> {
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
