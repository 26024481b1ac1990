/** How events of one kind are put together. */
export interface Coalescing<T> {
  /** Events with the same name may become one; undefined for those that stand alone, and that no other may be moved across. */
  readonly nameOf: (event: T) => string | undefined;
  /** Both as one. */
  readonly merge: (earlier: T, later: T) => T;
  /** What an event takes while it waits, in any unit. */
  readonly sizeOf: (event: T) => number;
  /** So much may wait before the source is read no further. */
  readonly maxSize: number;
}

interface Waiting<T> {
  event: T;
  readonly name: string | undefined;
}

/**
 * The same events, for a reader who may be slow: while it does not read, those that may become one do, up to a bound; beyond it the source waits. A
 * reader who keeps up gets every event by itself, as soon as it comes. What the source fails with comes behind what it gave before.
 *
 * The source is read ahead. So whoever stops reading early also aborts the signal under which the source runs: a read that is pending ends by that.
 */
export async function* coalesced<T>(
  source: AsyncIterable<T>,
  { nameOf, merge, sizeOf, maxSize }: Coalescing<T>,
): AsyncGenerator<T, void, undefined> {
  const waiting: Waiting<T>[] = [];
  const open = new Map<string, Waiting<T>>();
  let size = 0;
  let outcome: { readonly error?: unknown } | undefined;
  let left = false;
  let news = Promise.withResolvers<void>();
  let room = Promise.withResolvers<void>();
  const iterator = source[Symbol.asyncIterator]();

  const add = (event: T) => {
    const name = nameOf(event);
    const earlier = name === undefined ? undefined : open.get(name);
    size += sizeOf(event);
    if (earlier !== undefined) {
      earlier.event = merge(earlier.event, event);
      return;
    }
    const entry = { event, name };
    waiting.push(entry);
    if (name === undefined) open.clear();
    else open.set(name, entry);
  };

  const take = (): Waiting<T> | undefined => {
    const entry = waiting.shift();
    if (entry === undefined) return undefined;
    size -= sizeOf(entry.event);
    if (entry.name !== undefined && open.get(entry.name) === entry) open.delete(entry.name);
    room.resolve();
    return entry;
  };

  const read = async () => {
    try {
      for (let next = await iterator.next(); next.done !== true && !left; next = await iterator.next()) {
        add(next.value);
        news.resolve();
        while (size >= maxSize && !left) {
          room = Promise.withResolvers();
          await room.promise;
        }
        if (left) return;
      }
      outcome = {};
    } catch (error) {
      outcome = { error };
    } finally {
      news.resolve();
    }
  };

  void read();
  try {
    for (;;) {
      const entry = take();
      if (entry !== undefined) yield entry.event;
      else if (outcome !== undefined) break;
      else {
        await news.promise;
        news = Promise.withResolvers();
      }
    }
    if ("error" in outcome) throw outcome.error;
  } finally {
    left = true;
    room.resolve();
    // Not waited for: while a read is pending, it would wait for that.
    if (outcome === undefined) void iterator.return?.()?.catch(() => undefined);
  }
}
