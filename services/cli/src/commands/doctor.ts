import { checkDataFolder } from "../checks/data-folder.ts";
import { checkKeys } from "../checks/keys.ts";
import { checkLocalModel } from "../checks/local-model.ts";
import { checkMachine } from "../checks/machine.ts";
import { checkServer } from "../checks/server.ts";
import type { Context } from "../context.ts";
import type { Check, CheckStatus } from "../domain/check.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

const marks: Readonly<Record<CheckStatus, string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };

/** `quartet doctor`: looks and changes nothing. Fails when a check does; a warning is no failure. */
export async function doctor(context: Context): Promise<ExitCode> {
  const { config, signal, terminal, json } = context;
  const checks: Check[] = [
    ...checkMachine(),
    ...(await checkDataFolder(config.dataDir)),
    ...(await checkServer(context)),
    ...(await checkKeys(config, signal)),
    ...(await checkLocalModel(context)),
  ];
  const failed = checks.some(({ status }) => status === "fail");
  if (json) {
    terminal.json({ healthy: !failed, checks });
  } else {
    for (const { name, status, finding, advice } of checks) {
      terminal.line(`${marks[status]}  ${terminal.bold(terminal.safe(name))}: ${terminal.safe(finding)}`);
      if (advice !== "") terminal.line(`      ${advice}`);
    }
  }
  return failed ? exitCodes.failure : exitCodes.ok;
}
