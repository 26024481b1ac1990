/**
 * Brings the packages and the Node release the project runs on. Plain JavaScript for Node 20, with nothing but what Node has: it runs before
 * anything is installed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

const wantedMajor = 24;
const bundledNode = path.join(root, "node_modules", ".bin", "node");

/** Whether what package-lock.json names is there. npm writes its own list last, so an install that was cut off does not count. */
function isInstalled() {
  const wanted = packagesOf(path.join(root, "package-lock.json"));
  const present = packagesOf(path.join(root, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(
    ([location, { version, link, optional }]) =>
      location === "" ||
      link ||
      !location.includes("node_modules/") ||
      optional ||
      present[location]?.version === version,
  );
}

function packagesOf(lockfile) {
  return existsSync(lockfile) ? JSON.parse(readFileSync(lockfile, "utf8")).packages : {};
}

/**
 * Installs what package-lock.json names, unless it is there.
 * @returns {Promise<void>} rejects with a sentence that says what to do
 */
export async function ensureInstalled() {
  if (isInstalled()) return;
  process.stderr.write("Installing packages, once; this takes about a minute ...\n");
  const npm = process.env.npm_execpath;
  const [command, ...prefix] = npm ? [process.execPath, npm] : ["npm"];
  const code = await run(command, [...prefix, "ci", "--loglevel=error"], { stdio: ["ignore", 2, 2] });
  if (code !== 0)
    throw new Error("npm ci failed; its messages above say why. Fix that and run the same command again.");
}

/**
 * The Node that runs the project: the one npm installed here, else this one where it is new enough.
 * @returns {string} an executable
 */
export function nodePath() {
  if (existsSync(bundledNode)) return bundledNode;
  if (Number(process.versions.node.split(".")[0]) >= wantedMajor) return process.execPath;
  throw new Error(
    `No Node ${wantedMajor} comes as a package for ${process.platform}-${process.arch}. Install Node ${wantedMajor} and run the same command again.`,
  );
}

/** The environment in which tools installed here are found first, and in which Node keeps what it compiled: a second start is faster by a third. */
export function toolEnvironment(extra = {}) {
  const binaries = path.join(root, "node_modules", ".bin");
  return {
    NODE_COMPILE_CACHE: path.join(root, "node_modules", ".cache", "quartet"),
    ...process.env,
    PATH: `${binaries}${path.delimiter}${process.env.PATH ?? ""}`,
    ...extra,
  };
}

/** How sources run: TypeScript as it stands, workspace packages from their sources. */
export const sourceFlags = ["--conditions=@quartet/source", "--disable-warning=ExperimentalWarning"];

/**
 * Runs a command in the checkout until it ends.
 * @returns {Promise<number>} its exit code; 1 where a signal ended it
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * As `run`, with all that it writes kept, so that commands can run beside each other.
 * @returns {Promise<{ code: number, output: string }>}
 */
export async function runQuietly(command, args, options = {}) {
  let output = "";
  const child = spawn(command, args, { cwd: root, ...options, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  try {
    const [code] = await once(child, "close");
    return { code: code ?? 1, output };
  } catch (error) {
    return { code: 127, output: `${output}${error.message}\n` };
  }
}
