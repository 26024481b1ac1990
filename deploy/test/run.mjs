/** `npm test`: every check of the project, then one line that counts them. `npm test -- libs/text` runs the tests below a folder only. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { ensureInstalled, nodePath, root, run, runQuietly, toolEnvironment } from "../local/install.mjs";
import { checkContracts } from "./contracts.mjs";
import { startStoresForTests } from "./genuine-stores.mjs";

const results = path.join(root, ".nx", "test-results.json");

const folders = process.argv.slice(2);
// First of all: they are fetched while packages are installed, and start while the first check runs.
const stores = startStoresForTests(folders);
/** Ends what runs meanwhile, which a signal to this process alone would not reach. */
const stopping = new AbortController();
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
])
  process.once(signal, () => {
    stopping.abort();
    void stores.stop().finally(() => process.exit(code));
  });
try {
  await ensureInstalled();
  process.exitCode = await main();
} catch (error) {
  if (!stopping.signal.aborted) console.error(error.message);
  process.exitCode = 1;
} finally {
  await stores.stop();
}

async function main() {
  const [checks, { tests, missingStores }] = await Promise.all([folders.length > 0 ? [] : runChecks(), runOnStores()]);
  return report({ checks, tests, missingStores });
}

async function runOnStores() {
  const { environment, leftOut } = await stores.ready;
  return { tests: await runTests(environment), missingStores: leftOut };
}

/** @returns {number} the exit code */
function report({ checks, tests, missingStores }) {
  const isMissingWrong = process.env.QUARTET_TEST_STORES === "required";
  const passed = checks.filter(Boolean).length + tests.passed;
  const failed = checks.filter((ok) => !ok).length + tests.failed + (isMissingWrong ? missingStores.length : 0);
  for (const line of missingStores) console.log(`${isMissingWrong ? "FAILED" : "left out"}: ${line}`);
  for (const line of tests.leftOut) console.log(`left out: ${line}`);
  console.log(`${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ""}`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** Contracts, format, types and lint; each counts as one. One after the other beside the tests, which wait a good part of their time; each with its lines in one piece. */
async function runChecks() {
  const tool = async (title, command, ...args) => {
    stopping.signal.throwIfAborted();
    const { code, output } = await runQuietly(command, args, { env: toolEnvironment(), signal: stopping.signal });
    console.log(`\n# ${title}\n${output}${code === 0 ? "ok" : "FAILED"}: ${title}`);
    return code === 0;
  };
  return [
    // One run over everything reads and checks each file once; `nx run-many -t typecheck lint` has the same rules by package, cached.
    await tool("types", "tsc", "--build", ...typescriptProjects()),
    await tool("lint", "eslint", "--config", "deploy/lint/whole.config.mjs", "--max-warnings", "0", "."),
    await tool("format", "prettier", "--check", "--log-level", "warn", "."),
    ...(await checkContracts(tool)),
  ];
}

/** Every package, and what stands beside its sources: tests and scripts. */
function typescriptProjects() {
  const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
  const ours = Object.values(packages).filter(({ link }) => link);
  return ours
    .flatMap(({ resolved }) => [resolved, `${resolved}/test`, `${resolved}/scripts`])
    .filter((folder) => existsSync(path.join(root, folder, "tsconfig.json")));
}

/** All tests in one run, so that all workers stay busy; `nx run PROJECT:test` runs one package's, cached. */
async function runTests(environment) {
  console.log("\n# tests");
  rmSync(results, { force: true });
  mkdirSync(path.dirname(results), { recursive: true });
  const jest = path.join(root, "node_modules", "jest", "bin", "jest.js");
  const flags = ["--config", "deploy/test/jest.config.mjs", "--json", "--outputFile", results];
  await run(
    nodePath(),
    ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", jest, ...flags, ...folders],
    // An operator's own stores are none of the tests' business.
    {
      signal: stopping.signal,
      env: toolEnvironment({
        DATABASE_URL: undefined,
        ELASTICSEARCH_URL: undefined,
        REDIS_URL: undefined,
        QUARTET_TEST_SEED: seedOfTree(),
        ...environment,
      }),
    },
  );
  return summarise(readResults());
}

/** The same for the same files, as far as they are committed; undefined outside of git. */
function seedOfTree() {
  const { status, stdout } = spawnSync("git", ["rev-parse", "HEAD^{tree}"], { cwd: root, encoding: "utf8" });
  return status === 0 ? String(Number.parseInt(stdout.slice(0, 7), 16)) : undefined;
}

function readResults() {
  try {
    return JSON.parse(readFileSync(results, "utf8"));
  } catch {
    return undefined;
  }
}

function summarise(report) {
  if (!report) return { passed: 0, failed: 1, skipped: 0, leftOut: [] };
  const pending = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === "pending").map(({ fullName }) => fullName),
  );
  return {
    passed: report.numPassedTests,
    // A file that cannot be loaded fails without a test of its own.
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests,
    leftOut: pending,
  };
}
