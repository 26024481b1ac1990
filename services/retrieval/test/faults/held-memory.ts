import { once } from "node:events";

/** What Node writes when it was started with `--inspect=127.0.0.1:0`. */
const listening = /Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/[\w-]+)/g;

/**
 * The bytes that a process under test, of whose last life that output is, holds when there is no garbage: its objects, and buffers beside the heap.
 * What is resident says less: how much of the memory that it once had goes back to the machine, and when, differs by tens of megabytes.
 */
export async function heldMemory(output: string): Promise<number> {
  const address = [...output.matchAll(listening)].at(-1)?.[1];
  if (address === undefined) throw new Error("the process was not started with --inspect=127.0.0.1:0");
  const socket = new WebSocket(address);
  const call = async (id: number, method: string, params: object = {}): Promise<unknown> => {
    const answered = once(socket, "message", { signal: AbortSignal.timeout(30_000) });
    socket.send(JSON.stringify({ id, method, params }));
    const [{ data }] = (await answered) as [{ data: string }];
    return JSON.parse(data);
  };
  try {
    await once(socket, "open", { signal: AbortSignal.timeout(10_000) });
    await call(1, "HeapProfiler.collectGarbage");
    const expression = "process.memoryUsage().heapUsed + process.memoryUsage().external";
    const { result } = (await call(2, "Runtime.evaluate", { expression })) as { result: { result: { value: number } } };
    return result.result.value;
  } finally {
    socket.close();
  }
}
