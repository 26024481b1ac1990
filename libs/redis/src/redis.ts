import { createHash } from "node:crypto";
import type { Logger, Metrics } from "@quartet/telemetry";
import { openConnection } from "./connection.ts";
import type { RedisCommand, RedisReply } from "./connection.ts";
import { serverWide } from "./error-code.ts";
import { inTime } from "./in-time.ts";
import { createOutage } from "./outage.ts";

export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. It holds a password: it goes into the driver and nowhere else. */
  readonly url: string;
  /** Who connects, as `embedding`; Redis' `client list` shows it. */
  readonly name: string;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly metrics: Metrics;
  /** What every key starts with. Default: `quartet:`. */
  readonly keyPrefix?: string;
  /** How long a call waits for its answer unless it says otherwise. Default: 50 ms. */
  readonly timeoutMs?: number;
  /** How long connecting may take, in the background. Default: 2 s. */
  readonly connectTimeoutMs?: number;
}

export interface RedisCallOptions {
  /** What it is for, as `embeddings`: a label of metrics, so one of few. */
  readonly use: string;
  /** Default: the connection's. */
  readonly limitMs?: number;
}

/** `bypassed`: Redis was not asked or did not answer in time; why, as `NOT_CONNECTED`, `LATE` or `LOADING`. */
export type RedisAnswer =
  | { readonly kind: "answered"; readonly replies: readonly RedisReply[] }
  | { readonly kind: "bypassed"; readonly reason: string };

/** Lua that runs as one step; see `defineScript`. */
export interface RedisScript {
  readonly lua: string;
  readonly sha1: string;
}

/** A pool of one, for the platform's figures: all calls share the connection, and none waits for it. */
export interface RedisFigures {
  readonly name: "redis";
  readonly size: number;
  readonly maxSize: 1;
  readonly idleCount: number;
  /** Calls without an answer as yet. */
  readonly waitingCount: number;
  readonly waitP95Ms: 0;
}

/** What may be lost is kept here, and nothing else; so nothing here ever throws for Redis' sake, nor waits longer than its limit. */
export interface Redis {
  /** Whether calls are sent now. */
  readonly up: boolean;
  /** The full name of a key. */
  key(name: string): string;
  /** Sends commands in one go, one reply each. Other callers' commands may run in between. */
  send(commands: readonly RedisCommand[], options: RedisCallOptions): Promise<RedisAnswer>;
  /** Runs a script on full names of keys: one reply. */
  run(
    script: RedisScript,
    given: { readonly keys: readonly string[]; readonly args: readonly (string | number)[] },
    options: RedisCallOptions,
  ): Promise<RedisAnswer>;
  figures(): RedisFigures;
  /** Waits for calls under way, `limitMs` at most (default 500), and ends the connection. From the first moment on every call is bypassed. */
  close(limitMs?: number): Promise<void>;
}

/** A server that only reads was asked to write: after a failover the name leads elsewhere, but not every moment. */
const RECONNECT_EVERY_MS = 5_000;
/** A connection that comes and goes says so once in this time. */
const LOG_EVERY_MS = 30_000;

export const defineScript = (lua: string): RedisScript => ({ lua, sha1: createHash("sha1").update(lua).digest("hex") });

/**
 * A Redis that may be down, slow or gone: the start never waits for it, and a call that it would hold up goes on without it. It connects in
 * the background, again and again; while it cannot be used, calls are bypassed at once (see outage.ts).
 *
 * @throws {RangeError} when the URL is none.
 */
export function createRedis(options: RedisOptions): Redis {
  const { url, name, log, metrics, keyPrefix = "quartet:", timeoutMs = 50, connectTimeoutMs = 2_000 } = options;
  const underWay = new Set<Promise<unknown>>();
  const gauge = metrics.gauge("quartet_redis_up").with({});
  let closed = false;
  let up = false;
  let lastTrouble = "NOT_CONNECTED";
  let lastReconnect = -Infinity;
  let lastLogged = -Infinity;
  let saidDown = false;
  gauge.set(0);

  const noteChange = () => {
    const now = !closed && connection.ready && !outage.down;
    const changed = now !== up;
    up = now;
    gauge.set(up ? 1 : 0);
    if (closed) return;
    if (up && saidDown) log.info({}, "Redis answers again");
    if (up) saidDown = false;
    else if (!saidDown && (changed || lastLogged === -Infinity) && performance.now() - lastLogged >= LOG_EVERY_MS) {
      saidDown = true;
      lastLogged = performance.now();
      log.warn({ reason: lastTrouble }, "Redis does not answer; work goes on without it");
    }
  };

  const connection = openConnection({
    url,
    name: `quartet-${name}`,
    connectTimeoutMs,
    onReady: () => {
      outage.connected();
      noteChange();
    },
    onLost: (reason) => {
      lastTrouble = reason;
      noteChange();
    },
  });
  const outage = createOutage({
    ping: async () => {
      if (!connection.ready) return false;
      const replies = await inTime(connection.send([["PING"]]), timeoutMs);
      return replies !== undefined && troubleOf(replies) === undefined;
    },
    onChange: noteChange,
  });

  const count = (use: string, outcome: string) =>
    metrics.counter("quartet_redis_calls_total").with({ use, outcome }).add();

  const bypass = (use: string, reason: string, outcome: "bypassed" | "late" | "failed"): RedisAnswer => {
    count(use, outcome);
    return { kind: "bypassed", reason };
  };

  const ask = async (
    commands: readonly RedisCommand[],
    { use, limitMs = timeoutMs }: RedisCallOptions,
  ): Promise<RedisAnswer> => {
    const startedAt = performance.now();
    const replies = await inTime(connection.send(commands), limitMs);
    const trouble = replies === undefined ? "LATE" : troubleOf(replies);
    if (trouble !== undefined) {
      lastTrouble = trouble;
      outage.trouble();
      return bypass(use, trouble, replies === undefined ? "late" : "failed");
    }
    outage.answered();
    metrics
      .histogram("quartet_redis_call_duration_seconds")
      .with({ use })
      .observe((performance.now() - startedAt) / 1_000);
    const errors = replies!.flatMap((reply) => ("error" in reply ? [reply.error] : []));
    if (errors.includes("READONLY") && performance.now() - lastReconnect >= RECONNECT_EVERY_MS) {
      lastReconnect = performance.now();
      connection.reconnect();
    }
    count(use, errors.length === 0 ? "answered" : "refused");
    return { kind: "answered", replies: replies! };
  };

  const send: Redis["send"] = async (commands, callOptions) => {
    if (commands.length === 0) return { kind: "answered", replies: [] };
    if (closed || !connection.ready) return bypass(callOptions.use, "NOT_CONNECTED", "bypassed");
    if (outage.down) return bypass(callOptions.use, lastTrouble, "bypassed");
    const call = ask(commands, callOptions);
    underWay.add(call);
    try {
      return await call;
    } finally {
      underWay.delete(call);
    }
  };

  return {
    get up() {
      return up;
    },
    key: (part) => keyPrefix + part,
    send,
    run: async ({ lua, sha1 }, { keys, args }, callOptions) => {
      const rest = [keys.length, ...keys, ...args];
      const answer = await send([["EVALSHA", sha1, ...rest]], callOptions);
      const [reply] = answer.kind === "answered" ? answer.replies : [];
      const isUnknown = reply !== undefined && "error" in reply && reply.error === "NOSCRIPT";
      return isUnknown ? await send([["EVAL", lua, ...rest]], callOptions) : answer;
    },
    figures: () => {
      const size = connection.ready ? 1 : 0;
      const waitingCount = underWay.size;
      return { name: "redis", size, maxSize: 1, idleCount: waitingCount > 0 ? 0 : size, waitingCount, waitP95Ms: 0 };
    },
    close: async (limitMs = 500) => {
      closed = true;
      outage.close();
      noteChange();
      const deadline = performance.now() + limitMs;
      await inTime(Promise.allSettled(underWay), limitMs);
      await inTime(connection.close(), Math.max(0, deadline - performance.now()));
    },
  };
}

/** What keeps all of a call's commands from an answer; undefined where each has its own reply. */
function troubleOf(replies: readonly RedisReply[]): string | undefined {
  for (const reply of replies) if ("error" in reply && (reply.lost || serverWide.has(reply.error))) return reply.error;
  return undefined;
}
