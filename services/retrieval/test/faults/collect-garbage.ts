import { once } from "node:events";

/** What Node writes when it was started with `--inspect=127.0.0.1:0`. */
const listening = /Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/[\w-]+)/g;

/** Has a process under test, of whose last life that output is, collect its garbage now: what stays after it is held. */
export async function collectGarbage(output: string): Promise<void> {
  const address = [...output.matchAll(listening)].at(-1)?.[1];
  if (address === undefined) throw new Error("the process was not started with --inspect=127.0.0.1:0");
  const socket = new WebSocket(address);
  try {
    await once(socket, "open", { signal: AbortSignal.timeout(10_000) });
    const answered = once(socket, "message", { signal: AbortSignal.timeout(30_000) });
    socket.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }));
    await answered;
  } finally {
    socket.close();
  }
}
