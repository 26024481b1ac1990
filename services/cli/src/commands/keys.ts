import { toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { KeyStats } from "@quartet/client";
import { KeyState, KeyStatsSchema } from "@quartet/contracts/type/v1/stats";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { showMissing } from "../show-missing.ts";
import { money } from "../show-money.ts";
import { showTable, span } from "../show-table.ts";

/** `quartet keys`: fails when a key is out of quota or refused, or replicas did not tell, for scripts. */
export async function showKeys({ client, terminal, signal, json }: Context): Promise<ExitCode> {
  const { status } = await client().operations.getPlatformStatus({ readMask: { paths: ["keys"] } }, { signal });
  const { keys = [], degradations = [] } = status ?? {};
  if (json) {
    const all = keys.map((key) => toJson(KeyStatsSchema, key, { alwaysEmitImplicit: true }));
    terminal.json({ keys: all, missing: degradations.map(({ hop }) => hop) });
  } else {
    print(keys, terminal);
    showMissing(terminal, degradations);
  }
  const isWell = degradations.length === 0 && keys.every((key) => adviceOn(key) === undefined);
  return isWell ? exitCodes.ok : exitCodes.failure;
}

function print(keys: readonly KeyStats[], terminal: Terminal): void {
  if (keys.length === 0) terminal.note("No service asks a model provider: there are no keys in use.");
  const counted = ["calls", "share", "errors", "rests", "tokens in", "tokens out", "cost"];
  const heads = ["pool", "key", "state", "rests for", ...counted, "requests left", "tokens left", "shares limit"];
  showTable(terminal, heads, keys.map(keyRow));
  for (const key of keys) {
    const advice = adviceOn(key);
    if (advice !== undefined) terminal.problem(`${key.label} of ${key.pool} ${advice}`);
  }
}

const states: Readonly<Partial<Record<KeyState, string>>> = {
  [KeyState.READY]: "ready",
  [KeyState.RESTING]: "resting",
  [KeyState.EXHAUSTED]: "out of quota",
  [KeyState.REFUSED]: "refused",
};

/** What an operator has to do; undefined where nothing. */
function adviceOn({ state }: KeyStats): string | undefined {
  if (state === KeyState.EXHAUSTED) {
    return "is out of quota: add credit, or replace it. Within ten minutes it is found out whether it works again.";
  }
  if (state === KeyState.REFUSED) return "is refused by the provider: replace it, and restart the service.";
  return undefined;
}

function keyRow(key: KeyStats): string[] {
  const restMs = key.restEndTime === undefined ? 0 : timestampMs(key.restEndTime) - Date.now();
  return [
    ...[key.pool, key.label, states[key.state] ?? "unknown", restMs > 0 ? span(restMs / 1000) : ""],
    ...[String(key.callCount), `${Math.round(key.callShare * 100)} %`, String(key.errorCount), String(key.restCount)],
    ...[String(key.inputTokenCount), String(key.outputTokenCount), money(key.cost)],
    ...[String(key.remainingRequestCount ?? ""), String(key.remainingTokenCount ?? ""), key.limitGroup],
  ];
}
