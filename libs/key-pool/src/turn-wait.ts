/** Those who wait for calls of others to be answered. */
export interface TurnWait {
  /** Resolves at the next `wake`, after `ms` at the latest. @throws the signal's reason when it is aborted. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Lets all of them look again. */
  wake(): void;
}

export function createTurnWait(): TurnWait {
  const waiting = new Set<() => void>();
  return {
    wait: async (ms, signal) => {
      signal?.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = () => reject(signal?.reason);
      const timer = setTimeout(resolve, ms);
      waiting.add(resolve);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(resolve);
        signal?.removeEventListener("abort", onAbort);
      }
    },
    wake: () => {
      if (waiting.size > 0) for (const resolve of waiting) resolve();
    },
  };
}
