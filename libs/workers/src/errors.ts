/** A task ran longer than its limit; the thread it ran in was ended. */
export class WorkerLimitError extends Error {
  override readonly name = "WorkerLimitError";
  readonly limitMs: number;

  constructor(task: string, limitMs: number) {
    super(`${task} did not end within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/** The pool is closed, and so is the service that owns it. */
export class WorkersClosedError extends Error {
  override readonly name = "WorkersClosedError";

  constructor() {
    super("the worker pool is closed");
  }
}
