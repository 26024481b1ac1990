import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** CPU time and resident memory of processes, all together. */
export interface ProcessUsage {
  /** User and system time since they started, in milliseconds. */
  readonly cpuMs: number;
  /** Resident memory in bytes. */
  readonly residentBytes: number;
}

const ticksPerSecond = 100;

/** Reads usage from /proc where there is one, else from ps. */
export function usageOf(pids: readonly number[]): ProcessUsage {
  const each = pids.map((pid) => (process.platform === "linux" ? fromProc(pid) : fromPs(pid)));
  return {
    cpuMs: each.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    residentBytes: each.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
  };
}

function fromProc(pid: number): ProcessUsage {
  // The command may hold spaces; the numbers start after the last parenthesis, with field 3.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return { cpuMs: (ticks * 1000) / ticksPerSecond, residentBytes: Number(resident?.[1] ?? 0) * 1024 };
}

function fromPs(pid: number): ProcessUsage {
  const [time = "", kilobytes = "0"] = execFileSync("ps", ["-o", "time=,rss=", "-p", String(pid)], { encoding: "utf8" })
    .trim()
    .split(/\s+/);
  const seconds = time.split(/[:-]/).reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuMs: seconds * 1000, residentBytes: Number(kilobytes) * 1024 };
}
