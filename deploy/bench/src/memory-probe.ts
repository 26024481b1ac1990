/**
 * Loaded with `--import` before a process that is measured, which runs with `--expose-gc`: what it holds when all garbage is gone. Asked by SIGUSR2, it
 * writes `MEMORY_PROBE_FOLDER`/memory-PID.json.
 */
import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";

const folder = process.env["MEMORY_PROBE_FOLDER"];
if (folder !== undefined) {
  let count = 0;
  const answer = async () => {
    // What the first collection finalises, the second frees.
    globalThis.gc!();
    await setImmediate();
    globalThis.gc!();
    const { heapUsed, external, rss } = process.memoryUsage();
    const file = path.join(folder, `memory-${process.pid}.json`);
    count += 1;
    writeFileSync(`${file}.new`, JSON.stringify({ count, heldBytes: heapUsed + external, residentBytes: rss }));
    renameSync(`${file}.new`, file);
  };
  process.on("SIGUSR2", () => void answer());
}
