/** Where calls wait that find no key, one behind the other. Only the first looks for one, so that nobody is overtaken and few are woken. */
export interface Line {
  /** All who wait, those aside among them. */
  readonly length: number;
  /** Resolves when all who came before have left: true, or false where that takes longer than `ms`. @throws the signal's reason when it is aborted. */
  join(ms: number, signal: AbortSignal | undefined): Promise<boolean>;
  /** The first waits: until it is woken, or for `ms`. @throws the signal's reason when it is aborted. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** As `wait`, for one who can not use every key, and would keep the others waiting. */
  waitAside(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Lets the first look again, and those aside. */
  wake(): void;
  /** The first leaves, and the next is the first. Owed by everyone for whom `join` gave true. */
  leave(): void;
}

export function createLine(): Line {
  /** Those behind the first. */
  const behind = new Set<Turn>();
  const aside = new Set<Turn>();
  let hasFirst = false;
  /** While the first waits. */
  let first: Turn | undefined;

  return {
    get length() {
      return behind.size + Number(hasFirst) + aside.size;
    },
    join: async (ms, signal) => {
      if (!hasFirst) return (hasFirst = true);
      const turn = createTurn(ms, signal, () => behind.delete(turn));
      behind.add(turn);
      return turn.promise;
    },
    wait: async (ms, signal) => {
      first = createTurn(ms, signal, () => (first = undefined));
      await first.promise;
    },
    waitAside: async (ms, signal) => {
      const turn = createTurn(ms, signal, () => aside.delete(turn));
      aside.add(turn);
      await turn.promise;
    },
    wake: () => {
      first?.come();
      for (const turn of aside) turn.come();
    },
    leave: () => {
      const [next] = behind;
      if (next === undefined) hasFirst = false;
      else next.come();
    },
  };
}

interface Turn {
  /** True when it came, false when the time was over before. */
  readonly promise: Promise<boolean>;
  come(): void;
}

/** `onEnd` is called in the same moment in which it comes or is over, so that it is never handed to somebody who is no longer there. */
function createTurn(ms: number, signal: AbortSignal | undefined, onEnd: () => void): Turn {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    onEnd();
  };
  const finish = (hasCome: boolean) => {
    end();
    resolve(hasCome);
  };
  const onAbort = () => {
    end();
    reject(signal?.reason);
  };
  const timer = setTimeout(() => finish(false), ms);
  signal?.addEventListener("abort", onAbort, { once: true });
  return { promise, come: () => finish(true) };
}
