import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createRedis, type RedisAnswer, type RedisCommand } from "@quartet/redis";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { until } from "@quartet/testing";

/** A genuine Redis of a test's own, which it may fill, wipe, stop and start. */
export interface OwnRedis extends AsyncDisposable {
  readonly url: string;
  /** One command; fails where Redis refuses it. */
  command(...command: RedisCommand): Promise<unknown>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

const program = fileURLToPath(new URL("../../../../deploy/local/stores.mjs", import.meta.url));

const notConnected = "NOT_CONNECTED";

const replyOf = (answer: RedisAnswer) => (answer.kind === "answered" ? answer.replies[0]! : { error: answer.reason });

/** By the command that operators use; it keeps its address, and is deleted at the end. */
export async function startOwnRedis(): Promise<OwnRedis> {
  const folder = await mkdtemp(path.join(tmpdir(), "quartet-redis-"));
  const run = async (what: "start" | "stop" | "wipe"): Promise<string> => {
    const env = { ...process.env, NODE_OPTIONS: "", QUARTET_STORES_DIR: folder };
    const { stdout } = await promisify(execFile)(process.execPath, [program, what, "redis"], { env });
    return stdout;
  };
  const url = /^REDIS_URL=(.*)$/m.exec(await run("start"))?.[1] ?? "";
  const log = createLogger({ service: "test", destination: { write: () => {} } });
  const metrics = createMetrics({ component: "test", processMetrics: false });
  const redis = createRedis({ url, name: "test", timeoutMs: 10_000, log, metrics });
  await until(() => redis.up);
  return {
    url,
    async command(...command) {
      let answer: RedisAnswer = { kind: "bypassed", reason: notConnected };
      // After an answer such as READONLY the connection is made anew, and until then nothing is sent.
      await until(async () => {
        answer = await redis.send([command], { use: "test" });
        return answer.kind === "answered" || answer.reason !== notConnected;
      });
      const reply = replyOf(answer);
      if ("error" in reply) throw new Error(`${command[0]}: ${reply.error}`);
      return reply.value;
    },
    stop: async () => void (await run("stop")),
    start: async () => {
      await run("start");
      await until(() => redis.up);
    },
    async [Symbol.asyncDispose]() {
      await redis.close();
      metrics.close();
      await run("wipe");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
