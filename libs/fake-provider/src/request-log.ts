import type { CountedRequest } from "./fake-request.ts";

export interface RequestLogOptions {
  /** The oldest are forgotten beyond this. */
  readonly maxEntries: number;
  /** Bodies are kept up to so many bytes in all. */
  readonly maxBytes: number;
}

/** What arrived, the newest last, within bounds. */
export interface RequestLog {
  readonly entries: readonly CountedRequest[];
  /** Counts an arrival. */
  nextNumber(): number;
  add(request: CountedRequest): void;
  /** Resolves when so many requests have arrived since the start. */
  arrived(count: number): Promise<void>;
  clear(): void;
}

export function createRequestLog({ maxEntries, maxBytes }: RequestLogOptions): RequestLog {
  const entries: CountedRequest[] = [];
  const waiting = new Set<() => void>();
  let numbered = 0;
  let arrived = 0;
  let bytes = 0;
  return {
    entries,
    nextNumber: () => (numbered += 1),
    add: (request) => {
      arrived += 1;
      bytes += request.bytes;
      entries.push(request);
      while (entries.length > maxEntries || (bytes > maxBytes && entries.length > 1)) bytes -= entries.shift()!.bytes;
      for (const wake of waiting) wake();
    },
    arrived: async (count) => {
      while (arrived < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    clear: () => {
      entries.length = 0;
      bytes = 0;
    },
  };
}
