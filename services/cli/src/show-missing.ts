import type { Degradation } from "@quartet/client";
import type { Terminal } from "./adapters/terminal.ts";

/** What processes did not tell or do, each in its line: what is shown beside it is not all. */
export function showMissing(terminal: Terminal, degradations: readonly Degradation[]): void {
  for (const { hop, reason, message } of degradations) terminal.problem(`${hop}: ${message} (${reason})`);
}
