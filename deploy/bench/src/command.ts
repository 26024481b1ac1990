import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";

/** Options of every benchmark that writes its figures, for `parseArgs`. */
export const outputOptions = {
  /** A file, or - for standard output. */
  json: { type: "string" },
  /** Exit code 1 where a target is missed. */
  check: { type: "boolean", default: false },
} as const;

export interface OutputValues {
  readonly json?: string | undefined;
  readonly check: boolean;
}

/** The number of an option, above 0; else the process ends with a line that says what is wrong. */
export function numberOf(option: string, text: string, { whole = true }: { readonly whole?: boolean } = {}): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number) && (!whole || Number.isInteger(number))) return number;
  process.stderr.write(`--${option} takes a ${whole ? "whole number" : "number"} above 0.\n`);
  process.exit(2);
}

export type Columns<Row> = readonly (readonly [title: string, value: (row: Row) => string])[];

export function toTable<Row>(columns: Columns<Row>, rows: readonly Row[], width: number): string {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, value]) => value(row)))];
  return lines.map((line) => line.map((text) => text.padStart(width)).join("")).join("\n");
}

export interface Output {
  /** For people. On standard error where the figures are on standard output. */
  readonly text: string;
  /** For programs, with what machine they were taken on. */
  readonly figures: object;
  readonly met: boolean;
}

/** Prints, writes the file that was asked for, and sets the exit code. */
export async function tell({ text, figures, met }: Output, { json, check }: OutputValues): Promise<void> {
  (json === "-" ? process.stderr : process.stdout).write(`${text}\n`);
  const machine = { cores: availableParallelism(), node: process.version, load: loadavg()[0] };
  const whole = `${JSON.stringify({ machine, ...figures }, null, 2)}\n`;
  if (json === "-") process.stdout.write(whole);
  else if (json !== undefined) await writeFile(json, whole);
  if (check && !met) process.exitCode = 1;
}
