/** A place for one call. */
export interface Slot {
  /** Only the first call counts. */
  release(): void;
}

export interface BulkheadOptions {
  readonly name: string;
  /** How many calls run at once. */
  readonly maxInFlight: number;
  /** How many may wait for a place. Default: 0, nobody waits. */
  readonly maxQueued?: number;
  /** How long one may wait. Default: 1 s. */
  readonly maxWaitMs?: number;
}

export interface Bulkhead {
  readonly name: string;
  readonly inFlight: number;
  readonly queued: number;
  /**
   * Takes a place, at once or after waiting in line.
   *
   * @throws {BulkheadFullError} when the line is full or the wait too long; the signal's reason when it is aborted first.
   */
  acquire(options?: { readonly signal?: AbortSignal; readonly maxWaitMs?: number }): Promise<Slot>;
}

/** There was no place for the call, so it was not made. */
export class BulkheadFullError extends Error {
  override readonly name = "BulkheadFullError";
  /** `full`: there was no room in the line either. `waited`: no place became free in time. */
  readonly kind: "full" | "waited";

  constructor(bulkhead: string, kind: "full" | "waited") {
    super(kind === "full" ? `${bulkhead} is full` : `${bulkhead} had no free place in time`);
    this.kind = kind;
  }
}

/** Limits the calls in flight to one dependency; those that wait are served first come, first served. */
export function createBulkhead({ name, maxInFlight, maxQueued = 0, maxWaitMs = 1_000 }: BulkheadOptions): Bulkhead {
  if (!(maxInFlight >= 1)) throw new RangeError(`bulkhead ${name}: maxInFlight is below 1`);
  let inFlight = 0;
  /** In order of arrival; each entry is called with the place that its owner gets. */
  const line = new Set<(slot: Slot) => void>();

  const occupy = (): Slot => {
    let released = false;
    return {
      release: () => {
        if (released) return;
        released = true;
        const [next] = line;
        // The place is handed on without becoming free, so that nobody who comes now overtakes the line.
        if (next) next(occupy());
        else inFlight--;
      },
    };
  };

  const wait = async (signal: AbortSignal | undefined, limitMs: number): Promise<Slot> => {
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const onAbort = () => leave(signal?.reason);
    const leave = (error: unknown) => {
      line.delete(enter);
      reject(error);
    };
    const enter = (slot: Slot) => {
      line.delete(enter);
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(slot);
    };
    const timer = setTimeout(() => leave(new BulkheadFullError(name, "waited")), limitMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    line.add(enter);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  };

  return {
    name,
    get inFlight() {
      return inFlight;
    },
    get queued() {
      return line.size;
    },
    acquire: async ({ signal, maxWaitMs: limitMs = maxWaitMs } = {}) => {
      signal?.throwIfAborted();
      if (inFlight < maxInFlight) {
        inFlight++;
        return occupy();
      }
      if (line.size >= maxQueued) throw new BulkheadFullError(name, "full");
      if (limitMs <= 0) throw new BulkheadFullError(name, "waited");
      return wait(signal, Math.min(limitMs, maxWaitMs));
    },
  };
}
