import { StartError } from "@quartet/service";
import type { Logger } from "@quartet/telemetry";

/** One store, and how to find out whether it can be asked. */
export interface WatchedStore {
  /** As an operator reads it: `PostgreSQL`. */
  readonly name: string;
  /** Resolves when it can be asked. Throws StartError where only the operator can help. */
  readonly check: (signal: AbortSignal) => Promise<void>;
}

export interface ReadyWatchOptions {
  readonly stores: readonly WatchedStore[];
  readonly log: Logger;
  /** Between two looks at a store that could not be asked. Default: 1,000. */
  readonly everyMs?: number;
  /** How long one look may take. Default: 5,000. */
  readonly checkLimitMs?: number;
}

/**
 * Whether a process that was started while its stores were down can answer by now.
 *
 *     not ready --one store could be asked--> ready, for good
 *
 * It stays ready: what fails later is told call by call, with a reason, and by the breakers. Taken out of service instead, every replica
 * would be, at once, and callers would hear of nothing but lost connections.
 */
export interface ReadyWatch {
  readonly ready: boolean;
  /**
   * Looks at every store once, and goes on in the background with those that could not be asked.
   *
   * @throws {StartError} of a store that could be asked but not used; from the background it goes to the log
   */
  start(): Promise<void>;
  /** As in ServiceModule. */
  watch(listener: (ready: boolean) => void): () => void;
  close(): void;
}

export function createReadyWatch({
  stores,
  log,
  everyMs = 1_000,
  checkLimitMs = 5_000,
}: ReadyWatchOptions): ReadyWatch {
  const ended = new AbortController();
  const listeners = new Set<(ready: boolean) => void>();
  const timers = new Set<NodeJS.Timeout>();
  let ready = false;

  /** Gives the error that stood in the way. */
  const look = async ({ name, check }: WatchedStore): Promise<unknown> => {
    try {
      await check(AbortSignal.any([ended.signal, AbortSignal.timeout(checkLimitMs)]));
    } catch (error) {
      if (!ended.signal.aborted) log.warn({ store: name, err: error }, "a store cannot be asked yet");
      return error ?? new Error("unknown");
    }
    if (ended.signal.aborted) return undefined;
    log.info({ store: name }, "a store can be asked");
    if (!ready) {
      ready = true;
      for (const listener of listeners) listener(true);
    }
    return undefined;
  };
  const lookLater = (store: WatchedStore) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void look(store).then((error) => error === undefined || ended.signal.aborted || lookLater(store));
    }, everyMs).unref();
    timers.add(timer);
  };

  return {
    get ready() {
      return ready;
    },
    async start() {
      const errors = await Promise.all(stores.map(look));
      const fatal = errors.find((error) => error instanceof StartError);
      if (fatal !== undefined) throw fatal;
      if (!ended.signal.aborted) stores.filter((_, index) => errors[index] !== undefined).forEach(lookLater);
    },
    watch(listener) {
      listeners.add(listener);
      listener(ready);
      return () => void listeners.delete(listener);
    },
    close() {
      ended.abort(new Error("the stores are being closed"));
      for (const timer of timers) clearTimeout(timer);
      listeners.clear();
    },
  };
}
