/** Places for calls at a time, by name. */
export interface Places {
  /** Takes a place when there is one of so many; the function gives it back, once. */
  take(name: string, places: number): (() => void) | undefined;
  /** Waits for a place, first come, first served; undefined when `left` came first. */
  wait(name: string, places: number, left: Promise<void>): Promise<(() => void) | undefined>;
}

export function createPlaces(): Places {
  const takenBy = new Map<string, number>();
  const lines = new Map<string, Set<() => void>>();

  const take = (name: string, places: number) => {
    const taken = takenBy.get(name) ?? 0;
    if (taken >= places) return undefined;
    takenBy.set(name, taken + 1);
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      giveBack(name);
    };
  };

  const giveBack = (name: string) => {
    const left = takenBy.get(name)! - 1;
    if (left > 0) takenBy.set(name, left);
    else takenBy.delete(name);
    const [next] = lines.get(name) ?? [];
    next?.();
  };

  return {
    take,
    wait: async (name, places, left) => {
      const free = take(name, places);
      if (free) return free;
      const { promise, resolve } = Promise.withResolvers<(() => void) | undefined>();
      const line = lines.get(name) ?? new Set();
      lines.set(name, line);
      const leaveLine = () => {
        line.delete(next);
        if (line.size === 0) lines.delete(name);
      };
      const next = () => {
        leaveLine();
        resolve(take(name, Infinity));
      };
      line.add(next);
      void left.then(() => {
        leaveLine();
        resolve(undefined);
      });
      return promise;
    },
  };
}
