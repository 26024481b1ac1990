import { toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { InstanceStats, PlatformStatus, PoolStats, QueueStats } from "@quartet/client";
import { PlatformStatusSchema } from "@quartet/contracts/type/v1/status";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { showMissing } from "../show-missing.ts";
import { seconds, showTable, span } from "../show-table.ts";
import { showBudgets } from "./budget.ts";
import { showCaches } from "./cache.ts";
import { showCounts } from "./show-counts.ts";

/** `quartet status`: fails when something is missing or not ready, for scripts. */
export async function showStatus({ client, terminal, signal, json }: Context): Promise<ExitCode> {
  const { status } = await client().operations.getPlatformStatus({}, { signal });
  if (!status) throw new Error("The server sent no status.");
  if (json) terminal.json(toJson(PlatformStatusSchema, status, { alwaysEmitImplicit: true }));
  else print(status, terminal);
  const isWhole = status.degradations.length === 0 && status.instances.every(({ ready }) => ready);
  return isWhole ? exitCodes.ok : exitCodes.failure;
}

function print(
  { instances, pools, queues, caches, budgets, counts, degradations }: PlatformStatus,
  terminal: Terminal,
): void {
  showTable(
    terminal,
    ["service", "instance", "version", "state", "up", "cpu", "memory", "lag"],
    instances.map(instanceRow),
  );
  showTable(terminal, ["pool", "in use", "of", "waiting", "wait p95"], pools.map(poolRow));
  showTable(terminal, ["queue", "waiting", "running", "done", "given up", "oldest"], queues.map(queueRow));
  showCaches(caches, terminal);
  showBudgets(budgets, terminal);
  showCounts(counts, terminal);
  showMissing(terminal, degradations);
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

const percent = (share: number): string => `${Math.round(share * 100)} %`;
