import pg from "pg";

/** What PostgreSQL's protocol knows a running connection by. The driver has these without declaring them. */
interface CancelKey {
  readonly processID: number;
  readonly secretKey: number;
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly sslNegotiation: string;
}

/** The driver's connection before any login, with what its type declarations leave out. */
interface RawConnection extends pg.Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/**
 * Asks the server, over a connection of its own, to cancel what the client is running. Resolves with whether the server has taken the request,
 * so that none is under way any longer; whether it came in time is seen at the statement only.
 */
export async function requestCancel(client: pg.ClientBase, limitMs: number): Promise<boolean> {
  const { processID, secretKey, host, port, ssl, sslNegotiation } = client as unknown as CancelKey;
  const connection = new pg.Connection({ ssl, sslNegotiation } as pg.ConnectionConfig) as RawConnection;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let isSent = false;
  const cancel = () => {
    connection.cancel(processID, secretKey);
    isSent = true;
  };
  const timer = setTimeout(() => resolve(false), limitMs);
  connection.on("connect", () => {
    if (!ssl) cancel();
    else if (sslNegotiation !== "direct") connection.requestSsl();
  });
  connection.on("sslconnect", cancel);
  connection.on("error", () => resolve(false));
  // The server closes without an answer, once it has passed the request on.
  connection.on("end", () => resolve(isSent));
  if (host.startsWith("/")) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    connection.stream.destroy();
  }
}
