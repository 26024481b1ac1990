/** What a tenant asked to be emptied, of one process that did not do it. */
export interface Missed<S> {
  /** The process, as it is known while it is there. */
  readonly replica: string;
  readonly service: string;
  readonly tenant: string;
  readonly selector: S;
}

export interface MissedInvalidationsOptions<S> {
  /** A selector for everything of a tenant. */
  readonly everything: S;
  /** Asks a process once more; rejects where it still cannot. Resolves also when the process is there no more, and its memory with it. */
  readonly repeat: (missed: Missed<S>, signal: AbortSignal) => Promise<void>;
  /** Between two rounds. Default: 5,000. */
  readonly everyMs?: number;
}

/** Processes that did not empty their caches, and are asked again until they do, or are gone. The owner calls `close`. */
export interface MissedInvalidations<S> {
  add(missed: Missed<S>): void;
  /** How many are still to be done. */
  readonly count: number;
  close(): void;
}

/** One is kept for each process and tenant: what misses two selectors is emptied of everything of the tenant. So there are few, however often it is tried. */
export function createMissedInvalidations<S>(options: MissedInvalidationsOptions<S>): MissedInvalidations<S> {
  const { everything, repeat, everyMs = 5_000 } = options;
  const missed = new Map<string, Missed<S>>();
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const round = async () => {
    await Promise.all(
      [...missed].map(async ([key, each]) => {
        try {
          await repeat(each, ended.signal);
        } catch {
          return;
        }
        // What came meanwhile is not done yet.
        if (missed.get(key) === each) missed.delete(key);
      }),
    );
    timer = undefined;
    later();
  };
  const later = () => {
    if (missed.size === 0 || ended.signal.aborted || timer !== undefined) return;
    timer = setTimeout(() => void round(), everyMs).unref();
  };
  return {
    add(each) {
      const key = `${each.replica}\n${each.tenant}`;
      missed.set(key, missed.has(key) ? { ...each, selector: everything } : each);
      later();
    },
    get count() {
      return missed.size;
    },
    close() {
      ended.abort(new Error("the gateway is going down"));
      clearTimeout(timer);
      missed.clear();
    },
  };
}
