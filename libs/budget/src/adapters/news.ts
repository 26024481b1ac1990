/** One thing to tell Redis. */
export interface Item {
  readonly args: readonly (string | number)[];
  /** The entry that ends by it: told later where Redis was away, as it would hold money until it ends by itself. */
  readonly ends?: string;
}

export interface NewsOptions {
  /** Tells several things of one month in one step; whether it was answered. Never rejects. */
  readonly send: (month: string, args: readonly (string | number)[]) => Promise<boolean>;
}

/** What Redis is told without anybody waiting for it. */
export interface News {
  tell(month: string, item: Item): void;
  /** Redis answers: what it missed is told now. */
  retry(): void;
  /** Resolves when all that was told so far has gone out, one way or the other. */
  told(): Promise<void>;
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
  const waiting = new Map<string, Item[]>();
  const missed = new Map<string, string>();
  let sending: Promise<void> | undefined;

  const put = (month: string, item: Item) => {
    const items = waiting.get(month);
    if (items === undefined) waiting.set(month, [item]);
    else items.push(item);
  };

  const sendAll = async (): Promise<void> => {
    for (let next = waiting.entries().next(); next.done !== true; next = waiting.entries().next()) {
      const [month, items] = next.value;
      const some = items.splice(0, AT_ONCE);
      if (items.length === 0) waiting.delete(month);
      if (
        await send(
          month,
          some.flatMap(({ args }) => args),
        )
      )
        continue;
      for (const { ends } of some) if (ends !== undefined && missed.size < MAX_MISSED) missed.set(ends, month);
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
    told: async () => await sending,
  };
}
