import { toJson } from "@bufbuild/protobuf";
import { type Duration, timestampMs } from "@bufbuild/protobuf/wkt";
import type { InstanceStats, PlatformStatus, PoolStats, QueueStats } from "@quartet/client";
import { PlatformStatusSchema } from "@quartet/contracts/type/v1/status";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** `quartet status`: fails when something is missing or not ready, for scripts. */
export async function showStatus({ client, terminal, signal, json }: Context): Promise<ExitCode> {
  const { status } = await client().operations.getPlatformStatus({}, { signal });
  if (!status) throw new Error("The server sent no status.");
  if (json) terminal.json(toJson(PlatformStatusSchema, status, { alwaysEmitImplicit: true }));
  else print(status, terminal);
  const isWhole = status.degradations.length === 0 && status.instances.every(({ ready }) => ready);
  return isWhole ? exitCodes.ok : exitCodes.failure;
}

function print({ instances, pools, queues, degradations }: PlatformStatus, terminal: Terminal): void {
  table(
    terminal,
    ["service", "instance", "version", "state", "up", "cpu", "memory", "lag"],
    instances.map(instanceRow),
  );
  table(terminal, ["pool", "in use", "of", "waiting", "wait p95"], pools.map(poolRow));
  table(terminal, ["queue", "waiting", "running", "done", "given up", "oldest"], queues.map(queueRow));
  for (const { hop, reason, message } of degradations) terminal.problem(`${hop}: ${message} (${reason})`);
}

function instanceRow(stats: InstanceStats): string[] {
  const upMs = stats.startTime ? Date.now() - timestampMs(stats.startTime) : 0;
  const state = stats.shedding ? "sheds work" : stats.ready ? "ready" : "not ready";
  const memory = `${Math.round(Number(stats.residentByteCount) / 1024 ** 2)} MiB`;
  const lag = seconds(stats.eventLoopLagP99);
  return [stats.service, stats.instance, stats.version, state, span(upMs / 1000), percent(stats.cpuRatio), memory, lag];
}

const poolRow = ({ name, size, idleCount, maxSize, waitingCount, waitP95 }: PoolStats): string[] => [
  name,
  String(size - idleCount),
  String(maxSize),
  String(waitingCount),
  seconds(waitP95),
];

const queueRow = ({
  name,
  waitingCount,
  runningCount,
  doneCount,
  deadLetterCount,
  oldestAge,
}: QueueStats): string[] => [
  name,
  String(waitingCount),
  String(runningCount),
  String(doneCount),
  String(deadLetterCount),
  seconds(oldestAge),
];

/** Nothing at all where there are no rows. */
function table(terminal: Terminal, heads: readonly string[], rows: readonly string[][]): void {
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

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const toSeconds = ({ seconds, nanos }: Duration): number => Number(seconds) + nanos / 1e9;

function seconds(duration: Duration | undefined): string {
  return duration === undefined ? "" : span(toSeconds(duration));
}

/** In the unit that shows most. */
function span(value: number): string {
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 120) return `${value.toFixed(1)} s`;
  if (value < 7_200) return `${Math.round(value / 60)} min`;
  return value < 172_800 ? `${Math.round(value / 3_600)} h` : `${Math.round(value / 86_400)} d`;
}
