import { availableParallelism } from "node:os";
import { createWorkerPool, type WorkerPool } from "@quartet/workers";
import type { ConfigOf } from "../config/parse-env.ts";
import { variable } from "../config/variable.ts";
import type { Component } from "../lifecycle/component.ts";

/** How many threads a process has for heavy computation. */
export const executorVariables = {
  executorWorkers: variable.integer("RAG_EXECUTOR_WORKERS", {
    optional: true,
    min: 0,
    max: 64,
    doc: "Threads of each process for heavy computation, such as scans of many vectors; without it, one less than it has processors, from 1 to 8. 0 computes beside everything else.",
  }),
} as const;

const mostByDefault = 8;

/** The worker pool of a process, as its configuration says. `createServiceApp`, or whoever else composes the process, closes it. */
export function createExecutor({ executorWorkers }: ConfigOf<typeof executorVariables>): WorkerPool {
  return createWorkerPool({
    size: executorWorkers ?? Math.max(1, Math.min(mostByDefault, availableParallelism() - 1)),
  });
}

/** The pool as a part of a process: stopped after those who use it. */
export function executorComponent(workers: WorkerPool): Component {
  return { name: "worker pool", start: async () => {}, stop: () => workers.close() };
}
