/** One thing to tell Redis. */
export interface Item {
  readonly args: readonly (string | number)[];
  /** The entry that ends by it: told later where Redis was away, as it would hold money until it ends by itself. */
  readonly ends?: string;
}

/** What stands in line: something to tell, or somebody who waits until all before it has gone out. */
type Place = Item | { readonly onReached: () => void };

export interface NewsOptions {
  /** Tells several things of one month in one step; whether it was answered. Never rejects. */
  readonly send: (month: string, args: readonly (string | number)[]) => Promise<boolean>;
}

/** What Redis is told without anybody waiting for it. */
export interface News {
  tell(month: string, item: Item): void;
  /** Redis answers: what it missed is told now. */
  retry(): void;
  /** Resolves when all that was told of this month before has gone out, one way or the other, whatever is told meanwhile. */
  told(month: string): Promise<void>;
  /** Resolves when nothing is left to tell, of any month. */
  idle(): Promise<void>;
}

/** In one step: others' calls on the server wait while a script runs. */
const AT_ONCE = 200;
/** Of entries whose end Redis missed; what is above this ends by itself. */
const MAX_MISSED = 10_000;

/**
 * One step at a time, each with all that has come meanwhile: in order, though a script that the server does not know is sent twice, and with
 * as many calls as the server answers in a second, however far away it is.
 */
export function createNews({ send }: NewsOptions): News {
  const waiting = new Map<string, Place[]>();
  const missed = new Map<string, string>();
  let sending: Promise<void> | undefined;

  const put = (month: string, place: Place) => {
    const places = waiting.get(month);
    if (places === undefined) waiting.set(month, [place]);
    else places.push(place);
  };

  const sendSome = async (month: string, places: readonly Place[]): Promise<void> => {
    const items = places.filter((place) => "args" in place);
    const args = items.flatMap((item) => item.args);
    const isAnswered = args.length === 0 || (await send(month, args));
    for (const place of places) {
      if ("onReached" in place) place.onReached();
      else if (!isAnswered && place.ends !== undefined && missed.size < MAX_MISSED) missed.set(place.ends, month);
    }
  };

  const sendAll = async (): Promise<void> => {
    for (let next = waiting.entries().next(); next.done !== true; next = waiting.entries().next()) {
      const [month, places] = next.value;
      // What is left stands behind other months: none of them waits for one of which there is always more to tell.
      waiting.delete(month);
      const some = places.splice(0, AT_ONCE);
      if (places.length > 0) waiting.set(month, places);
      await sendSome(month, some);
    }
    sending = undefined;
  };

  return {
    tell: (month, item) => {
      put(month, item);
      sending ??= sendAll();
    },
    retry: () => {
      if (missed.size === 0) return;
      for (const [id, month] of missed) put(month, { args: ["e", id], ends: id });
      missed.clear();
      sending ??= sendAll();
    },
    told: async (month) => {
      if (sending !== undefined) await new Promise<void>((resolve) => put(month, { onReached: resolve }));
    },
    idle: async () => await sending,
  };
}
