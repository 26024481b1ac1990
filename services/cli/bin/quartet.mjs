#!/usr/bin/env node
/**
 * `npx quartet`: runs the command line under the Node release the project brings, from its sources. Plain JavaScript for Node 20, with
 * nothing but what Node has.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { nodePath, root, sourceFlags } from "../../../deploy/local/install.mjs";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

// Compiled sources are kept there, which saves a third of the start; where nothing can be written, Node goes without.
const compileCache = path.join(root, "node_modules", ".cache", "quartet");

try {
  const child = spawn(nodePath(), [...sourceFlags, main, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
  });
  // A terminal sends Ctrl-C to both; the child takes the two for one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("error", fail);
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
} catch (error) {
  fail(error);
}

function fail(error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
