import type { QueueFigures } from "@quartet/rpc";
import { StartError } from "@quartet/service";
import type { Logger } from "@quartet/telemetry";
import { EmbedderError } from "../../domain/embedder-error.ts";
import { JobQueue, type Job as WaitingJob } from "./job-queue.ts";
import { type ModelProcess, ModelProcessError, startModelProcess } from "./model-process.ts";
import type { Device, OpenRequest, Reply } from "./protocol.ts";
import { Restarts } from "./restarts.ts";

export interface InferenceOptions {
  readonly open: OpenRequest;
  /** For one batch; a process that takes longer is ended and started anew. */
  readonly timeoutMs: number;
  /** Texts that may wait; more are refused. Default 2,048. */
  readonly maxWaitingTexts?: number;
  readonly log: Logger;
  /** Default: a process of Node. */
  readonly startProcess?: () => ModelProcess;
}

export interface ModelOutput {
  /** Of length 1. */
  readonly vectors: readonly Float32Array[];
  readonly truncated: readonly boolean[];
  readonly tokens: number;
}

/** A model in a process of its own, and who waits for it. */
export interface Inference {
  /**
   * Loads the model.
   *
   * @throws {StartError} with one line that says why it cannot be used
   */
  start(signal?: AbortSignal): Promise<Device>;
  /**
   * One batch, in its order. Whoever leaves while it waits is not computed for.
   *
   * @throws {EmbedderError}, or the signal's reason when it is aborted.
   */
  run(
    texts: readonly string[],
    options: { readonly urgent: boolean; readonly signal: AbortSignal },
  ): Promise<ModelOutput>;
  /** Its queue, in texts. */
  figures(): QueueFigures;
  /** The process's number, while there is one. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

interface Job extends WaitingJob {
  readonly settle: (result: ModelOutput | EmbedderError) => void;
}

/** Reading two gigabytes from a slow disk takes its time. */
const OPEN_LIMIT_MS = 120_000;
const BUSY_DELAY_MS = 1_000;

/**
 * One process with one model, which computes one batch after the other. While there is none (it fell over) the next is on its way, for which jobs
 * wait; after four in a minute none is, and jobs fail at once until that minute is over. What was being computed when a process ended is
 * refused and not repeated: it may be what ended it.
 */
export function createInference(options: InferenceOptions): Inference {
  const { open, timeoutMs, maxWaitingTexts = 2_048, log, startProcess = startModelProcess } = options;
  const queue = new JobQueue<Job>();
  const restarts = new Restarts();
  let current: ModelProcess | undefined;
  let closed = false;
  let busy = false;
  let running: Job | undefined;
  let done = 0;

  const launch = async (): Promise<{ readonly process: ModelProcess; readonly reply: Reply }> => {
    restarts.count();
    const process = startProcess();
    current = process;
    void process.ended.then(() => {
      if (current !== process) return;
      current = undefined;
      // Whoever waits for a reply of it says so.
      if (closed || busy) return;
      log.warn({ output: process.lastWords }, "The local model's process fell over");
      void work();
    });
    try {
      return { process, reply: await process.ask(open, OPEN_LIMIT_MS) };
    } catch {
      const lastLine = process.lastWords.trim().split("\n").at(-1) ?? "";
      return {
        process,
        reply: { kind: "failed", message: `The local model's process did not start. ${lastLine}`.trim() },
      };
    }
  };

  const forget = async (process: ModelProcess) => {
    if (current === process) current = undefined;
    await process.end();
  };

  /** The process, started if there is none. */
  const ready = async (): Promise<ModelProcess> => {
    if (current !== undefined) return current;
    const { waitMs } = restarts;
    if (waitMs > 0) throw unavailable("The local model's process fell over again and again.", waitMs);
    const { process, reply } = await launch();
    if (reply.kind === "opened") return process;
    if (reply.kind === "failed" && !closed)
      log.warn({ reason: reply.message, output: process.lastWords }, "The local model could not be started again");
    await forget(process);
    throw unavailable("The local model could not be started again; the log says why.", BUSY_DELAY_MS);
  };

  const compute = async ({ texts }: Job): Promise<ModelOutput> => {
    const process = await ready();
    try {
      const reply = await process.ask({ kind: "embed", texts }, timeoutMs);
      if (reply.kind === "failed") {
        log.warn({ reason: reply.message, output: process.lastWords }, "The local model failed");
        throw new EmbedderError("LLM_PROTOCOL", reply.message);
      }
      if (reply.kind !== "embedded")
        throw new EmbedderError("LLM_PROTOCOL", "The local model's process lost its place.");
      return toOutput(reply, texts.length);
    } catch (error) {
      if (!(error instanceof ModelProcessError)) throw error;
      await forget(process);
      if (!closed) log.warn({ err: error, output: process.lastWords }, "The local model's process fell over");
      throw unavailable(`The local model was computing when ${error.message}; it is started anew.`, BUSY_DELAY_MS);
    }
  };

  /** One batch after the other, while there are any; then the next process, where one is missing, before anybody has to wait for it. */
  const work = async () => {
    if (busy) return;
    busy = true;
    for (;;) {
      const job = queue.next();
      if (job !== undefined) {
        running = job;
        job.settle(await compute(job).catch(toError));
        running = undefined;
        done += job.texts.length;
        continue;
      }
      if (closed || current !== undefined || restarts.waitMs > 0) break;
      const isReady = await ready().then(
        () => true,
        () => false,
      );
      if (!isReady) break;
    }
    busy = false;
  };

  return {
    start: async (signal) => {
      signal?.throwIfAborted();
      const leave = () => void current?.end();
      signal?.addEventListener("abort", leave, { once: true });
      busy = true;
      try {
        const { process, reply } = await launch();
        if (reply.kind === "opened") return reply.device;
        await forget(process);
        throw new StartError(reply.kind === "failed" ? reply.message : "The local model's process lost its place.");
      } finally {
        busy = false;
        signal?.removeEventListener("abort", leave);
      }
    },
    run: async (texts, { urgent, signal }) => {
      signal.throwIfAborted();
      if (closed) throw unavailable("The embedding service is shutting down.", BUSY_DELAY_MS);
      if (queue.texts + texts.length > maxWaitingTexts)
        throw new EmbedderError("OVERLOADED", "Too many texts wait for the local model; try again later.", {
          retryDelayMs: BUSY_DELAY_MS,
        });
      const { promise, resolve, reject } = Promise.withResolvers<ModelOutput>();
      const job: Job = {
        texts,
        urgent,
        since: performance.now(),
        settle: (result) => (result instanceof EmbedderError ? reject(result) : resolve(result)),
      };
      const leave = () => {
        queue.remove(job);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", leave, { once: true });
      queue.push(job);
      void work();
      try {
        return await promise;
      } finally {
        signal.removeEventListener("abort", leave);
      }
    },
    figures: () => ({
      name: "local-model",
      waitingCount: queue.texts,
      runningCount: running?.texts.length ?? 0,
      doneCount: done,
      deadLetterCount: 0,
      oldestAgeMs: ageMs(queue.oldest ?? running),
    }),
    get pid() {
      return current?.pid;
    },
    close: async () => {
      closed = true;
      for (let job = queue.next(); job !== undefined; job = queue.next())
        job.settle(unavailable("The embedding service is shutting down.", BUSY_DELAY_MS));
      await current?.end();
      current = undefined;
    },
  };
}

const ageMs = (job: Job | undefined): number => (job === undefined ? 0 : Math.round(performance.now() - job.since));

const unavailable = (message: string, retryDelayMs: number) =>
  new EmbedderError("LLM_UNAVAILABLE", message, { retryDelayMs });

const toError = (error: unknown): EmbedderError =>
  error instanceof EmbedderError
    ? error
    : new EmbedderError("LLM_PROTOCOL", "The local model failed; the log says why.", { cause: error });

function toOutput(
  { vectors, dimensions, truncated, tokens }: Extract<Reply, { kind: "embedded" }>,
  count: number,
): ModelOutput {
  if (vectors.length !== count * dimensions || truncated.length !== count)
    throw new EmbedderError("EMBED_SHAPE", "The local model gave another number of vectors than texts.");
  return {
    vectors: Array.from({ length: count }, (_, index) => vectors.slice(index * dimensions, (index + 1) * dimensions)),
    truncated,
    tokens,
  };
}
