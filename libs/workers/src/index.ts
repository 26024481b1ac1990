export { createInlineWorkers, createWorkerPool } from "./worker-pool.ts";
export type { RunOptions, WorkerPool, WorkerPoolFigures, WorkerPoolOptions } from "./worker-pool.ts";
export { WorkerLimitError, WorkersClosedError } from "./errors.ts";
export { moved, workerTask } from "./worker-task.ts";
export type { WorkerTask } from "./worker-task.ts";
export { BulkheadFullError as WorkersBusyError } from "@quartet/resilience";
