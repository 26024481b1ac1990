import { createMetrics } from "@quartet/telemetry";
import { until } from "@quartet/testing";
import { createRedis, type Redis, type RedisOptions } from "../redis.ts";

/** A Redis under test, with what it logs. Nothing is late unless the test says when: the machine may be busy. The test closes it. */
export function openRedis(options: Pick<RedisOptions, "url"> & Partial<RedisOptions>) {
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const metrics = createMetrics({ component: "test", processMetrics: false });
  const redis = createRedis({ name: "test", timeoutMs: 10_000, log: { info: note, warn: note }, metrics, ...options });
  return {
    redis,
    metrics,
    lines,
    /** The value of a series, written as in the exposition without its component; 0 where there is none. */
    figure: async (series: string): Promise<number> => {
      const { text } = await metrics.exposition();
      const line = text.split("\n").find((each) => each.replace(/,?component="test"/, "").startsWith(`${series} `));
      return Number(line?.split(" ").at(-1) ?? 0);
    },
  };
}

export const isUp = (redis: Redis) => until(() => redis.up);
