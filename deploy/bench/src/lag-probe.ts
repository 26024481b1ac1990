/**
 * Loaded with `--import` before a process that is measured: how late its event loop was since the last time it was asked. Asked by SIGUSR2, it
 * writes `LAG_PROBE_FOLDER`/lag-PID.json.
 */
import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createLagMeter } from "./lag-meter.ts";

const folder = process.env["LAG_PROBE_FOLDER"];
if (folder !== undefined) {
  const meter = createLagMeter();
  let count = 0;
  process.on("SIGUSR2", () => {
    const file = path.join(folder, `lag-${process.pid}.json`);
    count += 1;
    writeFileSync(`${file}.new`, JSON.stringify({ count, ...meter.take() }));
    renameSync(`${file}.new`, file);
  });
}
