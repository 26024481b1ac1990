import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Terminal } from "./adapters/terminal.ts";

/** Nothing at all where there are no rows. */
export function showTable(terminal: Terminal, heads: readonly string[], rows: readonly string[][]): void {
  if (rows.length === 0) return;
  const safe = rows.map((row) => row.map(terminal.safe));
  const widths = heads.map((head, column) => Math.max(head.length, ...safe.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  terminal.line(terminal.dim(line(heads)));
  for (const row of safe) terminal.line(line(row));
  terminal.line();
}

const toSeconds = ({ seconds, nanos }: Duration): number => Number(seconds) + nanos / 1e9;

export function seconds(duration: Duration | undefined): string {
  return duration === undefined ? "" : span(toSeconds(duration));
}

/** In the unit that shows most. */
export function span(value: number): string {
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 120) return `${value.toFixed(1)} s`;
  if (value < 7_200) return `${Math.round(value / 60)} min`;
  return value < 172_800 ? `${Math.round(value / 3_600)} h` : `${Math.round(value / 86_400)} d`;
}
