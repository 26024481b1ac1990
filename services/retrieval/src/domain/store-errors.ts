/** A store could not be asked, or answered with a fault of its own. The message names the store and never an address; the cause is for logs. */
export class StoreUnavailableError extends Error {
  constructor(store: string, options?: ErrorOptions) {
    super(`${store} could not be asked`, options);
  }
}

/** Our own limit before a store was reached, such as a full pool: nothing was asked, and the store may be well. */
export class StoreBusyError extends Error {
  constructor(store: string, options?: ErrorOptions) {
    super(`${store} is at its limit`, options);
  }
}

/** A store is well and does not take this very request: a defect of ours, or more than it allows. Others must not suffer for it. */
export class StoreRefusedError extends Error {
  constructor(store: string, options?: ErrorOptions) {
    super(`${store} refuses the request`, options);
  }
}

/** A store did not answer within the time that the call was given. */
export class StoreTimeoutError extends Error {
  readonly limitMs: number;
  constructor(limitMs: number, options?: ErrorOptions) {
    super(`no answer within ${Math.round(limitMs)} ms`, options);
    this.limitMs = limitMs;
  }
}
