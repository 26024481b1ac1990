import { durationMs } from "@bufbuild/protobuf/wkt";
import { LegStatus, type SourceReport } from "@quartet/client";
import type { Terminal } from "../adapters/terminal.ts";

/** How each source went, one a line, where there was more than one; with one there is nothing to tell apart. */
export function showSources(terminal: Terminal, sources: readonly SourceReport[]): void {
  if (sources.length > 1) sources.map(lineOf).forEach((line) => terminal.note(line));
}

const outcomes: Readonly<Partial<Record<LegStatus, string>>> = {
  [LegStatus.PARTIAL]: "in part",
  [LegStatus.FAILED]: "failed",
  [LegStatus.SKIPPED]: "not asked",
};

function lineOf({ source, status, reason, passageCount, elapsed }: SourceReport): string {
  const found = `${passageCount} ${passageCount === 1 ? "passage" : "passages"}`;
  const outcome = outcomes[status];
  const why = outcome === undefined ? "" : ` (${[outcome, reason].filter(Boolean).join(", ")})`;
  const tookMs = elapsed === undefined ? 0 : Math.round(durationMs(elapsed));
  return `source ${source}: ${found} in ${tookMs} ms${why}`;
}
