/** Elasticsearch 9.4.3 with nori, out of Maven artifacts. Its security is off and it listens on loopback alone: plain HTTP, no users. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findJdk, missingJdk } from "./jdk.mjs";
import { launch, outputOf } from "./processes.mjs";

const sources = fileURLToPath(new URL("elasticsearch", import.meta.url));
const distribution = "sonarqube-26.9.0.129388/elasticsearch";
const noriJar = "lucene-analysis-nori-10.4.0.jar";

/** Of the sorted lines "sum  ./path" of every file. */
const distributionSha256 = "763aac0edfeb0d06d3c897d071ef78de2ccf7fe648d040f67410dc9d3ae2b0b8";
const noriSha256 = "20d73821c1cf44f59f89175981560be7c31c9530b92f1a886b8b6ef7c7fec1f8";

const downloadLimitMs = 20 * 60_000;

const quickStart = "-XX:TieredStopAtLevel=1";

/** @type {import("./store.mjs").Store} */
export const elasticsearch = {
  name: "elasticsearch",
  title: "Elasticsearch 9 with nori",
  variable: "ELASTICSEARCH_URL",
  engine: "elasticsearch-9.4.3",
  isEngineNeeded: () => true,
  missingForEngine,
  fetchNote: "0.95 GB",

  async prepare(folder) {
    await fetchArtifacts(folder);
    const server = path.join(folder, "server");
    renameSync(path.join(folder, distribution), server);
    expectSum("Elasticsearch", sumOfTree(server), distributionSha256);
    expectSum(noriJar, sumOf(path.join(folder, "nori", noriJar)), noriSha256);
    await buildPlugin(folder, path.join(server, "plugins", "analysis-nori-local"));
    mkdirSync(path.join(server, "logs"), { recursive: true });
    for (const name of readdirSync(folder)) if (name !== "server") rmSync(path.join(folder, name), { recursive: true });
  },

  missingForStart: missingJdk,
  reaches: () => [path.join(findJdk(), "bin", "java")],
  // A quiet machine takes 15 s; one on which ten others want each core took 166.
  readyLimitMs: 480_000,
  ports: ["port", "transportPort"],

  launch({ engineFolder, folder, ports, account, isFast, logFile }) {
    const server = path.join(engineFolder, "server");
    configure({ server, folder, ports });
    account.own(folder);
    const jdk = findJdk();
    const temporary = path.join(folder, "tmp");
    const pidFile = path.join(folder, "server.pid");
    rmSync(pidFile, { force: true });
    // The distribution's own launcher, which hands the whole environment on to the server: so a clean one.
    const env = {
      PATH: process.env.PATH,
      LANG: "C.UTF-8",
      HOME: temporary,
      HOSTNAME: "localhost",
      ES_HOME: server,
      ES_PATH_CONF: path.join(folder, "config"),
      ES_TMPDIR: temporary,
      LIBFFI_TMPDIR: temporary,
      ES_DISTRIBUTION_TYPE: "zip",
      ES_JAVA_HOME: jdk,
      JAVA: path.join(jdk, "bin", "java"),
      JAVA_TYPE: "ES_JAVA_HOME",
      // The first compiler alone takes a third off a start, and much more than that off the speed afterwards.
      ES_JAVA_OPTS: isFast ? quickStart : (process.env.QUARTET_STORES_ELASTICSEARCH_JAVA_OPTIONS ?? ""),
    };
    const classes = `${server}/lib/tools/server-launcher/*`;
    const java = [env.JAVA, "-Xms4m", "-Xmx64m", "-XX:+UseSerialGC", "-cp", classes];
    const command = [...java, "org.elasticsearch.server.launcher.ServerLauncher", "-p", pidFile];
    return { main: launch(command, { account, cwd: server, env, logFile }), pidFile };
  },

  /** Whether all primary shards are there: a node alone stays yellow where an index wants a replica. */
  isReady: ({ port }) =>
    fetch(`http://127.0.0.1:${port}/_cluster/health?wait_for_status=yellow&timeout=2s`, {
      signal: AbortSignal.timeout(5000),
    }).then(
      ({ ok }) => ok,
      () => false,
    ),

  url: ({ port }) => `http://127.0.0.1:${port}`,
  stopping: { signal: "SIGTERM", lastSignal: "SIGKILL", limitMs: 60_000 },
};

/** @returns {string[]} what to install before it can be fetched */
export function missingForEngine() {
  return isOnPath("mvn") ? [] : ["Maven is missing: install it (Debian and Ubuntu: apt-get install maven)."];
}

const isOnPath = (program) => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;

/** Maven compares each artifact with the repository's sum; the sums here are ours. */
function fetchArtifacts(folder) {
  // Where there is no home folder to keep artifacts in, they are kept here, and thrown away with the rest.
  const repository = hasHome() ? [] : [`-Dmaven.repo.local=${path.join(folder, "repository")}`];
  const command = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "-Dstyle.color=never", ...repository];
  const goal = ["-f", path.join(sources, "pom.xml"), `-Dunpacked=${folder}`, "generate-resources"];
  return outputOf([...command, ...goal], { limitMs: downloadLimitMs });
}

async function buildPlugin(folder, plugin) {
  const bin = path.join(findJdk(), "bin");
  const classes = path.join(folder, "classes");
  const nori = path.join(sources, "nori");
  for (const target of [classes, plugin]) mkdirSync(target, { recursive: true });
  const classPath = `${folder}/server/lib/*:${folder}/nori/*`;
  const compiler = [path.join(bin, "javac"), "--release", "21", "-encoding", "UTF-8", "-d", classes, "-cp", classPath];
  await outputOf([...compiler, path.join(nori, "quartet/local/nori/NoriPlugin.java")]);
  await outputOf([path.join(bin, "jar"), "--create", "--file", path.join(plugin, "plugin.jar"), "-C", classes, "."]);
  cpSync(path.join(folder, "nori", noriJar), path.join(plugin, noriJar));
  cpSync(path.join(nori, "plugin-descriptor.properties"), path.join(plugin, "plugin-descriptor.properties"));
}

function configure({ server, folder, ports: { port, transportPort } }) {
  const config = path.join(folder, "config");
  const logs = path.join(folder, "logs");
  rmSync(config, { recursive: true, force: true });
  cpSync(path.join(server, "config"), config, { recursive: true });
  for (const name of ["config/jvm.options.d", "data", "logs", "tmp"])
    mkdirSync(path.join(folder, name), { recursive: true });
  const settings = {
    "cluster.name": "quartet-local",
    "node.name": "local",
    "network.host": "127.0.0.1",
    "http.port": port,
    "transport.port": transportPort,
    "discovery.type": "single-node",
    "path.data": path.join(folder, "data"),
    "path.logs": logs,
    "xpack.security.enabled": false,
    // A laptop's disk is often nearly full; without this the indices turn read-only then.
    "cluster.routing.allocation.disk.threshold_enabled": false,
    // Nothing leaves the machine: the vendor's hosted inference is pointed at a port where nobody is.
    "xpack.inference.elastic.url": "http://127.0.0.1:1",
    "xpack.inference.elastic.periodic_authorization_enabled": false,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  writeFileSync(path.join(config, "elasticsearch.yml"), lines.join(""));
  // The distribution would log beside itself, where the server may not write.
  const options = path.join(config, "jvm.options");
  const moved = readFileSync(options, "utf8")
    .replace("file=gc.log", `file=${logs}/gc.log`)
    .replace("hs_err_pid%p.log", `${logs}/hs_err_pid%p.log`);
  writeFileSync(options, moved);
  const heap = `-Xms512m\n-Xmx${process.env.QUARTET_STORES_ELASTICSEARCH_HEAP || "1g"}\n-XX:HeapDumpPath=${logs}\n`;
  writeFileSync(path.join(config, "jvm.options.d", "local.options"), heap);
}

/** Whether Java finds a home folder to write to: it asks the system for it, whatever HOME says. */
function hasHome() {
  try {
    accessSync(userInfo().homedir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function expectSum(what, found, expected) {
  if (found !== expected) throw new Error(`${what} is not the pinned one: its sum is ${found}, not ${expected}.`);
}

const sumOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

function sumOfTree(folder) {
  const names = readdirSync(folder, { recursive: true })
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .map((name) => `./${name}`)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${sumOf(path.join(folder, name))}  ${name}\n`);
  return hash.digest("hex");
}
