/** Where a Redis is and how to be let in. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: boolean;
}

const DEFAULT_PORT = 6379;

/**
 * Reads `redis://user:password@host:6379/0`, and `rediss://` for TLS. A query is not read: the driver would take any of its own options
 * from there.
 *
 * @throws {RangeError} which never quotes the text, as that holds the password.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text);
  if (url === null || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") {
    throw new RangeError("a Redis is addressed as redis://host:port/database, or rediss:// for TLS");
  }
  const database = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (database === undefined) throw new RangeError("the database of a Redis is a number, as in redis://host:6379/0");
  const part = (value: string) => (value === "" ? undefined : decoded(value));
  return {
    // An IPv6 address stands in brackets in a URL only.
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    username: part(url.username),
    password: part(url.password),
    database: Number(database),
    tls: url.protocol === "rediss:",
  };
}

/** A password with a plain `%` in it is taken as it stands. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
