import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";

/** A function that a worker thread can run: an export of a module of its own. */
export interface WorkerTask<Input, Output> {
  /** The module's path. */
  readonly file: string;
  /** The export's name. */
  readonly name: string;
  /** Never set: carries the types. */
  readonly types?: (input: Input) => Output;
}

/**
 * Names the export `name` of the module `path`, relative to the caller and without its ending: source runs source, compiled code compiled code.
 *
 *     const scan = workerTask<ScanInput, ScanOutput>(import.meta.url, "./scan.worker", "scan");
 *
 * Input and output are copied as `structuredClone` does; what lies in a SharedArrayBuffer is not copied, what `transfer` or `moved` names is
 * handed over. The module is loaded once in each thread, so it should import little.
 */
export function workerTask<Input, Output>(caller: string, path: string, name: string): WorkerTask<Input, Output> {
  const ending = caller.endsWith(".ts") ? ".ts" : ".js";
  return { file: fileURLToPath(new URL(path + ending, caller)), name };
}

/** For the end of a task: hands this memory of its result over instead of copying it. */
export function moved<Result extends object>(result: Result, memory: readonly ArrayBufferLike[]): Result {
  const wrapped = { [Piscina.transferableSymbol]: memory, [Piscina.valueSymbol]: result };
  return Piscina.move(wrapped as never) as unknown as Result;
}

/** What `moved` was given, for who runs a task without a thread. */
export function unwrapped(result: unknown): unknown {
  const isMoved = typeof result === "object" && result !== null && Piscina.valueSymbol in result;
  return isMoved ? (result as Record<symbol, unknown>)[Piscina.valueSymbol] : result;
}
