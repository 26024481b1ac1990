import { createHash } from "node:crypto";
import type { Logger, Metrics } from "@quartet/telemetry";
import { openConnection } from "./connection.ts";
import type { Connection, RedisCommand, RedisReply } from "./connection.ts";
import { serverWide } from "./error-code.ts";
import { inTime } from "./in-time.ts";
import { createOutage } from "./outage.ts";
import { createUpState } from "./up-state.ts";

export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. It holds a password: it goes into the driver and nowhere else. */
  readonly url: string;
  /** Who connects, as `embedding`; Redis' `client list` and a label of metrics show it. */
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

const NOT_CONNECTED = "NOT_CONNECTED";
const LATE = "LATE";
/** A server that only reads was asked to write: after a failover the name leads elsewhere, but not every moment. */
const RECONNECT_EVERY_MS = 5_000;

export const defineScript = (lua: string): RedisScript => ({ lua, sha1: createHash("sha1").update(lua).digest("hex") });

/**
 * A Redis that may be down, slow or gone: the start never waits for it, and a call that it would hold up goes on without it. It connects in
 * the background, again and again; while it cannot be used, calls are bypassed at once (see outage.ts).
 *
 * @throws {RangeError} when the URL is none.
 */
export function createRedis(options: RedisOptions): Redis {
  const { url, name, metrics, keyPrefix = "quartet:", timeoutMs = 50, connectTimeoutMs = 2_000 } = options;
  const state = createUpState(options);
  const underWay = new Set<Promise<RedisAnswer>>();
  let closed = false;
  let lastTrouble = NOT_CONNECTED;

  const noteChange = () => state.set(connection.ready && !outage.down, lastTrouble);
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
      const replies = connection.ready ? await inTime(connection.send([["PING"]]), timeoutMs) : undefined;
      return replies !== undefined && troubleOf(replies) === undefined;
    },
    onChange: noteChange,
  });
  const ask = createAsk({
    connection,
    metrics,
    onAnswered: () => outage.answered(),
    onTrouble: (reason) => {
      lastTrouble = reason;
      outage.trouble();
    },
  });

  const send: Redis["send"] = async (commands, { use, limitMs = timeoutMs }) => {
    if (commands.length === 0) return { kind: "answered", replies: [] };
    if (closed || !connection.ready || outage.down) {
      count(metrics, use, "bypassed");
      return { kind: "bypassed", reason: outage.down ? lastTrouble : NOT_CONNECTED };
    }
    const call = ask(commands, { use, limitMs });
    underWay.add(call);
    try {
      return await call;
    } finally {
      underWay.delete(call);
    }
  };

  return {
    get up() {
      return state.up;
    },
    key: (part) => keyPrefix + part,
    send,
    run: async ({ lua, sha1 }, { keys, args }, callOptions) => {
      const given = [keys.length, ...keys, ...args];
      const answer = await send([["EVALSHA", sha1, ...given]], callOptions);
      return isUnknownScript(answer) ? await send([["EVAL", lua, ...given]], callOptions) : answer;
    },
    figures: () => figuresOf(connection, underWay.size),
    close: async (limitMs = 500) => {
      closed = true;
      outage.close();
      state.close();
      const deadline = performance.now() + limitMs;
      await inTime(Promise.allSettled(underWay), limitMs);
      await inTime(connection.close(), Math.max(0, deadline - performance.now()));
    },
  };
}

interface AskOptions {
  readonly connection: Connection;
  readonly metrics: Metrics;
  readonly onAnswered: () => void;
  readonly onTrouble: (reason: string) => void;
}

/** One call of a connection that is there: sent, waited for, counted and judged. */
function createAsk({ connection, metrics, onAnswered, onTrouble }: AskOptions) {
  let lastReconnect = -Infinity;
  return async (
    commands: readonly RedisCommand[],
    { use, limitMs }: Required<RedisCallOptions>,
  ): Promise<RedisAnswer> => {
    const startedAt = performance.now();
    const replies = (await inTime(connection.send(commands), limitMs)) ?? [];
    const reason = replies.length === 0 ? LATE : troubleOf(replies);
    if (reason !== undefined) {
      count(metrics, use, reason === LATE ? "late" : "failed");
      onTrouble(reason);
      return { kind: "bypassed", reason };
    }
    onAnswered();
    const seconds = (performance.now() - startedAt) / 1_000;
    metrics.histogram("quartet_redis_call_duration_seconds").with({ use }).observe(seconds);
    const errors = replies.flatMap((reply) => ("error" in reply ? [reply.error] : []));
    count(metrics, use, errors.length === 0 ? "answered" : "refused");
    if (errors.includes("READONLY") && performance.now() - lastReconnect >= RECONNECT_EVERY_MS) {
      lastReconnect = performance.now();
      connection.reconnect();
    }
    return { kind: "answered", replies };
  };
}

const count = (metrics: Metrics, use: string, outcome: "answered" | "refused" | "late" | "failed" | "bypassed") =>
  metrics.counter("quartet_redis_calls_total").with({ use, outcome }).add();

/** What keeps all of a call's commands from an answer; undefined where each has its own reply. */
function troubleOf(replies: readonly RedisReply[]): string | undefined {
  for (const reply of replies) if ("error" in reply && (reply.lost || serverWide.has(reply.error))) return reply.error;
  return undefined;
}

function isUnknownScript(answer: RedisAnswer): boolean {
  const [reply] = answer.kind === "answered" ? answer.replies : [];
  return reply !== undefined && "error" in reply && reply.error === "NOSCRIPT";
}

function figuresOf({ ready }: Connection, waitingCount: number): RedisFigures {
  const size = ready ? 1 : 0;
  return { name: "redis", size, maxSize: 1, idleCount: waitingCount > 0 ? 0 : size, waitingCount, waitP95Ms: 0 };
}
