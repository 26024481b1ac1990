import { createServer } from "node:net";
import { once } from "node:events";

const probeTimeoutMs = 5_000;

/** What answers at an address. */
export interface Probe {
  /** Whether the server says that it is up and ready for work. */
  readonly ready: boolean;
  /** How far its clock is ahead of this one, in milliseconds, to a second or so; undefined if it does not tell the time. */
  readonly skewMs: number | undefined;
}

/** Asks /readyz. Undefined if nothing answers. */
export async function probeServer(baseUrl: string, signal: AbortSignal): Promise<Probe | undefined> {
  try {
    const url = `${baseUrl.replace(/\/+$/, "")}/readyz`;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]);
    const response = await fetch(url, { signal: limit, redirect: "manual" });
    await response.body?.cancel();
    const date = Date.parse(response.headers.get("date") ?? "");
    return { ready: response.ok, skewMs: Number.isNaN(date) ? undefined : date - Date.now() };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Whether a port of this machine can be listened on. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** What a model provider says of a key. */
export type KeyVerdict = "accepted" | "refused" | "resting" | "unreachable" | "unclear";

/** Lists the provider's models, which costs nothing; the key goes into the header and nowhere else. */
export async function checkKey(baseUrl: string, key: string, signal: AbortSignal): Promise<KeyVerdict> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]);
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${baseUrl.replace(/\/+$/, "")}/models`, {
      headers,
      signal: limit,
      redirect: "manual",
    });
    await response.body?.cancel();
    if (response.ok) return "accepted";
    if (response.status === 401 || response.status === 403) return "refused";
    return response.status === 429 ? "resting" : "unclear";
  } catch {
    signal.throwIfAborted();
    return "unreachable";
  }
}
