import { toJson } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  type AdviseIndexesResponse,
  AdviseIndexesResponseSchema,
} from "@quartet/contracts/gateway/v1/operations_service";
import { type Advice, StatementSource, type UnadvisedStatement } from "@quartet/contracts/type/v1/operations";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { bar, bytes, milliseconds } from "../domain/figures.ts";
import { excerpt } from "../domain/printable.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

export interface AdviseOptions {
  /** How many of the slowest statements to look at. */
  readonly statements: number;
  /** Whole plans, instead of their first lines. */
  readonly plans: boolean;
  /** How long it may take, in seconds. */
  readonly waitLimit: number;
}

const excerptLines = 4;
const barWidth = 30;

/** `quartet advise`: shows what to run; the database stays as it is. */
export async function advise(
  { client, terminal, signal, json }: Context,
  { statements, plans, waitLimit }: AdviseOptions,
): Promise<ExitCode> {
  terminal.note(`Trying what makes the ${statements} slowest statements faster; it takes some seconds for each.`);
  const request = { statementCount: statements };
  const response = await client().operations.adviseIndexes(request, { signal, timeoutMs: waitLimit * 1000 });
  if (json) terminal.json(toJson(AdviseIndexesResponseSchema, response, { alwaysEmitImplicit: true }));
  else show(response, terminal, plans ? Infinity : excerptLines);
  return exitCodes.ok;
}

const sources: Readonly<Record<StatementSource, string>> = {
  [StatementSource.UNSPECIFIED]: "",
  [StatementSource.PG_STAT_STATEMENTS]: "of this database, by pg_stat_statements",
  [StatementSource.SERVICE]: "of the service that was asked, since its start, by its own timings",
};

function show({ advice, unadvised, source }: AdviseIndexesResponse, terminal: Terminal, planLines: number): void {
  const looked = new Set([...advice, ...unadvised].map(({ statement }) => statement)).size;
  if (looked === 0) {
    terminal.note("No statement has been timed yet. Ask again when the platform has worked for a while.");
    return;
  }
  for (const [index, each] of advice.entries()) showAdvice(each, index + 1, terminal, planLines);
  for (const each of unadvised) showUnadvised(each, terminal);
  const helped = new Set(advice.map(({ statement }) => statement)).size;
  if (unadvised.length > 0) terminal.line();
  terminal.line(`${helped} of ${looked} statements can be faster (${sources[source]}). Nothing was changed.`);
}

function showAdvice(advice: Advice, number: number, terminal: Terminal, planLines: number): void {
  const { proposal, statement, explanation, callCount, indexBytes, sampledRatio } = advice;
  const [before, after] = [toMs(advice.elapsedBefore), toMs(advice.elapsedAfter)];
  const indented = (text: string) => {
    for (const line of terminal.safe(text).split("\n")) terminal.line(`   ${line}`);
  };
  terminal.line(terminal.bold(`${number}. ${terminal.safe(proposal.value ?? "").replaceAll("\n", "\n   ")}`));
  indented(proposal.case === "rewrittenStatement" ? `in place of: ${oneLine(statement)}` : oneLine(statement));
  indented(explanation);
  terminal.line();
  indented(`before ${milliseconds(before).padStart(10)}  ${bar(1, barWidth)}`);
  const facts = [
    `${factor(before / after)} faster`,
    `${callCount} calls seen`,
    ...(indexBytes > 0n ? [`index of ${bytes(Number(indexBytes))}`] : []),
    ...(sampledRatio < 1 ? [`tried on ${Math.round(sampledRatio * 100)} % of the rows`] : []),
  ];
  indented(`after  ${milliseconds(after).padStart(10)}  ${bar(after / before, barWidth)}  ${facts.join(", ")}`);
  terminal.line();
  for (const [name, plan] of [
    ["before", advice.planBefore],
    ["after", advice.planAfter],
  ] as const) {
    const lines = plan.split("\n");
    const more = lines.length > planLines ? [`... (${lines.length - planLines} more lines with --plans)`] : [];
    for (const line of [...lines.slice(0, planLines), ...more]) {
      terminal.line(terminal.dim(`   ${name.padEnd(6)} │ ${terminal.safe(line)}`));
    }
  }
  terminal.line();
}

function showUnadvised(
  { statement, explanation, callCount, meanElapsed }: UnadvisedStatement,
  terminal: Terminal,
): void {
  terminal.line(`-  ${terminal.safe(excerpt(statement, 100))}`);
  terminal.line(
    terminal.dim(`   ${milliseconds(toMs(meanElapsed))}, ${callCount} calls. ${terminal.safe(explanation)}`),
  );
}

const oneLine = (statement: string): string => statement.replaceAll(/\s+/g, " ").trim();
const factor = (value: number): string =>
  `${Number.isFinite(value) ? new Intl.NumberFormat("en", { maximumSignificantDigits: 2 }).format(value) : "many"} times`;
const toMs = (duration: Duration | undefined): number =>
  duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
