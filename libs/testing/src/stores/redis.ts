import { once } from "node:events";
import { connect } from "node:net";
import { uniqueName } from "./unique-name.ts";

/** A Redis server that tests may fill. */
export interface TestRedis {
  readonly url: string;
  /** A prefix for keys, of this suite alone; nothing is made for it. */
  createPrefix(): TestKeyPrefix;
}

export interface TestKeyPrefix extends AsyncDisposable {
  /** Such as `quartet:test:0f3c5a9b21d4:`. */
  readonly prefix: string;
  readonly url: string;
  /** Deletes every key that begins with the prefix. */
  drop(): Promise<void>;
}

/** No test waits longer for the server itself. */
const LIMIT_MS = 20_000;

const deleteByPattern =
  "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', key) end return redis.status_reply('OK')";

export function createTestRedis(url: string): TestRedis {
  return {
    url,
    createPrefix() {
      const prefix = `${uniqueName(":")}:`;
      const drop = () => execute(url, ["EVAL", deleteByPattern, "0", `${prefix}*`]);
      return { prefix, url, drop, [Symbol.asyncDispose]: drop };
    },
  };
}

/** One command whose answer is one line, in Redis's own protocol: a client for it belongs to @quartet/redis, which tests of its own. */
async function execute(url: string, command: readonly string[]): Promise<void> {
  const { hostname, port, password, username, pathname } = new URL(url);
  const commands = [
    ...(password ? [["AUTH", decodeURIComponent(username || "default"), decodeURIComponent(password)]] : []),
    ...(pathname.length > 1 ? [["SELECT", pathname.slice(1)]] : []),
    command,
  ];
  const socket = connect({ host: hostname, port: Number(port || 6379), signal: AbortSignal.timeout(LIMIT_MS) });
  try {
    await once(socket, "connect");
    socket.setEncoding("utf8").write(commands.map(encode).join(""));
    let answers = "";
    for await (const text of socket) {
      answers += text;
      if (answers.split("\r\n").length > commands.length) break;
    }
    const failure = answers.split("\r\n").find((line) => !line.startsWith("+") && line !== "");
    if (failure !== undefined || answers === "") throw new Error(`Redis answered: ${failure ?? "nothing"}`);
  } finally {
    socket.destroy();
  }
}

const encode = (command: readonly string[]) =>
  `*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`;
