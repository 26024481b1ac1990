import { createLimit, type KeyLimit, mergeLimits } from "./key-limit.ts";
import type { Call, Entry } from "./entry.ts";

/**
 * Which keys share a limit.
 *
 * OpenAI names the organization and the project on every reply. Keys of one owner usually share its limits, but not always: gateways between set
 * limits for each key, and still name one organization. So it takes both, the provider's word and what is seen:
 *
 * - Of two keys of one owner, the second meets its limit while the first rests for a 429: they share it, and from now on rest together.
 * - The second is let in while the first rests: the limits of this owner's keys are their own.
 *
 * Keys with limits of their own may meet them at the same time by chance; so a group holds for ten minutes, and is then found out again.
 */
export interface LimitGroups {
  /** A reply named the owner of the key's limits. */
  heard(entry: Entry, owner: string): void;
  /** The key met its limit; before that is noted. */
  limited(call: Call, now: number): void;
  /** The key was let in. */
  letIn(call: Call, now: number): void;
  /** `group-1` and so on, by the first key of each; none for a limit that is one key's own. */
  labels(): ReadonlyMap<KeyLimit, string>;
}

const GROUPED_FOR_MS = 600_000;
const VARIOUS = "various";

export function createLimitGroups(entries: readonly Entry[]): LimitGroups {
  const owners = new Map<Entry, string>();
  /** Owners whose keys have limits of their own. */
  const apart = new Set<string>();
  let formedAt = -Infinity;
  /** No key rests after this: what makes a look at the others needless most of the time. */
  let restsUntil = -Infinity;

  const sharesLimit = (one: Entry, other: Entry) => one !== other && one.limit === other.limit;
  const isKin = (one: Entry, other: Entry) => one.limit !== other.limit && owners.get(one) === owners.get(other);

  /** Gives the key a limit of its own again. */
  const leave = (entry: Entry) => {
    const shared = entry.limit;
    if (!entries.some((each) => sharesLimit(each, entry))) return;
    shared.unheard -= entry.unheard;
    const { restsUntil, restedAfter } = shared;
    entry.limit = { ...createLimit(), restsUntil, restedAfter, unheard: entry.unheard };
  };

  const join = (one: Entry, other: Entry) => {
    const [first, second] = [one.limit, other.limit];
    const merged = mergeLimits(first, second);
    for (const each of entries) if (each.limit === first || each.limit === second) each.limit = merged;
  };

  return {
    heard: (entry, owner) => {
      const known = owners.get(entry);
      if (known === owner || known === VARIOUS) return;
      // Some replies, as errors, name the organization alone.
      if (known?.startsWith(owner) || (known !== undefined && owner.startsWith(known))) return;
      // Something in between spreads the calls of one key over accounts: what it says of one call says nothing of the next.
      owners.set(entry, known === undefined ? owner : VARIOUS);
      if (known !== undefined) leave(entry);
    },

    limited: (call, now) => {
      const { entry, number } = call;
      const owner = owners.get(entry);
      if (owner === undefined || owner === VARIOUS || apart.has(owner)) return;
      if (now - formedAt > GROUPED_FOR_MS && now >= entry.limit.restsUntil) {
        for (const each of entries) if (sharesLimit(each, entry)) leave(each);
      }
      restsUntil = Infinity;
      for (const each of entries) {
        if (!isKin(each, entry) || each.limit.restsUntil <= now || number <= each.limit.restedAfter) continue;
        join(each, entry);
        formedAt = now;
      }
    },

    letIn: ({ entry, number }, now) => {
      if (now >= restsUntil) return;
      const owner = owners.get(entry);
      if (owner === undefined || owner === VARIOUS || apart.has(owner)) return;
      let last = -Infinity;
      for (const each of entries) {
        last = Math.max(last, each.limit.restsUntil);
        if (isKin(each, entry) && each.limit.restsUntil > now && number > each.limit.restedAfter) apart.add(owner);
      }
      restsUntil = last;
      if (!apart.has(owner)) return;
      for (const each of entries) if (owners.get(each) === owner) leave(each);
    },

    labels: () => {
      const groups = [...Map.groupBy(entries, ({ limit }) => limit)].filter(([, members]) => members.length > 1);
      return new Map(groups.map(([limit], index) => [limit, `group-${index + 1}`]));
    },
  };
}
