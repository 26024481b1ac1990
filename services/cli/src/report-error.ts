import { QuartetError } from "@quartet/client";
import { ConfigError } from "./config.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { span } from "./show-table.ts";

/** Tells the user what went wrong and what to do, as text or as one line of JSON on stderr; the one place where errors of commands end. */
export function reportError(error: unknown, { json, server, terminal, signal }: Context): ExitCode {
  if (signal.aborted) {
    terminal.note("Interrupted.");
    return exitCodes.interrupted;
  }
  const isUnreachable = error instanceof QuartetError && error.unreachable;
  if (json) {
    const details = error instanceof QuartetError ? error.toJSON() : { code: "unknown", message: messageOf(error) };
    const named = isUnreachable ? { ...details, message: unreachable(server) } : details;
    terminal.problem(JSON.stringify({ error: named }));
  } else {
    terminal.problem(isUnreachable ? unreachable(server) : describe(error));
  }
  if (isUnreachable) return exitCodes.unreachable;
  return error instanceof ConfigError ? exitCodes.usage : exitCodes.failure;
}

const unreachable = (server: string) =>
  `No Quartet server answers at ${server}.\nStart one with \`npm start\`, or name another with --server URL or QUARTET_SERVER.`;

function describe(error: unknown): string {
  if (!(error instanceof QuartetError)) return messageOf(error);
  const lines = [error.message];
  // The message of a single one says it already.
  const violations = error.violations.filter(({ description }) => !error.message.includes(description));
  for (const { field, description } of violations) lines.push(`  ${field}: ${description}`);
  if (error.code === "unauthenticated")
    lines.push("Give one with --token or QUARTET_TOKEN; `quartet tokens create` makes one.");
  if (error.retryDelayMs !== undefined) lines.push(`Try again in ${waitOf(error.retryDelayMs / 1000)}.`);
  const names = [error.code, error.reason, error.requestId && `request ${error.requestId}`];
  lines.push(`(${names.filter(Boolean).join(", ")})`);
  return lines.join("\n");
}

/** As until a budget starts anew: in days where there are several. */
const waitOf = (seconds: number): string => (seconds < 120 ? `${Math.ceil(seconds)} s` : span(seconds));

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
