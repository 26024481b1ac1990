/** Entries whose end Redis was not told of, because it was away. */
export interface LostEnds {
  add(month: string, ids: readonly string[]): void;
  /** The next of them to be told, all of one month; undefined when there are none. */
  next(): { readonly month: string; readonly ids: readonly string[] } | undefined;
  /** They have been told. */
  remove(month: string, ids: readonly string[]): void;
}

/** In one call: others' calls on the server wait while a script runs. */
const AT_ONCE = 200;
/** What is above this ends by itself. */
const MAX_LOST = 10_000;

export function createLostEnds(): LostEnds {
  const months = new Map<string, Set<string>>();
  let count = 0;
  return {
    add: (month, ids) => {
      const there = months.get(month) ?? new Set();
      months.set(month, there);
      for (const id of ids) {
        if (count >= MAX_LOST || there.has(id)) continue;
        there.add(id);
        count += 1;
      }
    },
    next: () => {
      for (const [month, there] of months) return { month, ids: [...there.values().take(AT_ONCE)] };
      return undefined;
    },
    remove: (month, ids) => {
      const there = months.get(month);
      for (const id of ids) if (there?.delete(id) === true) count -= 1;
      if (there?.size === 0) months.delete(month);
    },
  };
}
