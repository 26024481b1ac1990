import { Redis as Driver } from "ioredis";
import { errorCode, isReply } from "./error-code.ts";
import { parseRedisUrl } from "./redis-url.ts";

/** One command: its name and its arguments. */
export type RedisCommand = readonly [name: string, ...arguments_: (string | Buffer | number)[]];

/** What one command was answered: texts as bytes; or what went wrong with it, as `WRONGTYPE`, and whether it was the connection that did. */
export type RedisReply = { readonly value: unknown } | { readonly error: string; readonly lost: boolean };

export interface ConnectionOptions {
  readonly url: string;
  /** As `client list` shows it. */
  readonly name: string;
  readonly connectTimeoutMs: number;
  readonly onReady: () => void;
  readonly onLost: (reason: string) => void;
}

/** One connection, kept up in the background. */
export interface Connection {
  /** Whether commands can be sent now. */
  readonly ready: boolean;
  /** One reply for each command. Never rejects, and ends when the connection does. */
  send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]>;
  /** Gives the connection up and makes another, which may lead to another server. */
  reconnect(): void;
  close(): Promise<void>;
}

/** A reply that takes this long means that the connection is dead, and a new one is made. */
const DEAD_AFTER_MS = 2_000;
const FIRST_RECONNECT_MS = 100;
const LONGEST_RECONNECT_MS = 5_000;
/** A peer that does not answer is not waited for when a connection is given up. */
const DISCONNECT_MS = 100;

/** Starts to connect at once and waits for nothing. @throws {RangeError} when the URL is none. */
export function openConnection({ url, name, connectTimeoutMs, onReady, onLost }: ConnectionOptions): Connection {
  const { host, port, username, password, database, tls } = parseRedisUrl(url);
  let lastError = "CONNECTION_LOST";
  const driver = new Driver({
    host,
    port,
    username,
    password,
    db: database,
    ...(tls ? { tls: {} } : {}),
    connectionName: name,
    disableClientInfo: true,
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    // The limits on callers are libs/redis' own and shorter; these find dead connections, and end the handshake with a silent server.
    commandTimeout: DEAD_AFTER_MS,
    socketTimeout: DEAD_AFTER_MS,
    maxLoadingRetryTime: 1_000,
    // A command is sent now or never: what waited for a server that was down answers nobody any more.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempts) =>
      Math.min(LONGEST_RECONNECT_MS, FIRST_RECONNECT_MS * 2 ** Math.min(attempts - 1, 16)) * (0.5 + Math.random() / 2),
  });
  // Without a listener the driver would print the error, address and all.
  driver.on("error", (error: unknown) => (lastError = errorCode(error)));
  driver.on("ready", () => {
    lastError = "CONNECTION_LOST";
    onReady();
  });
  driver.on("close", () => onLost(lastError));

  return {
    get ready() {
      return driver.status === "ready";
    },
    send: async (commands) => {
      const pipeline = driver.pipeline();
      for (const [command, ...given] of commands) pipeline.callBuffer(command, ...given);
      try {
        const replies = (await pipeline.exec()) ?? [];
        return commands.map((_, index) => readReply(replies[index]));
      } catch (error) {
        return commands.map(() => readReply([error, undefined]));
      }
    },
    reconnect: () => driver.disconnect(true),
    close: async () => {
      const closing = ["connecting", "connect", "ready"].includes(driver.status);
      const ended = new Promise<void>((resolve) => driver.once("end", resolve));
      driver.disconnect();
      // Between two attempts there is no socket whose end could be waited for.
      if (closing) await ended;
    },
  };
}

function readReply(reply: readonly [error: unknown, value: unknown] | undefined): RedisReply {
  const [error, value] = reply ?? [new Error("no reply"), undefined];
  if (!error) return { value };
  return { error: errorCode(error), lost: !isReply(error) };
}
