import type { Credential } from "./access-token.ts";

export interface CredentialCacheOptions {
  /**
   * Asks the store. `known`: there was such a credential when it was last asked for, so that callers who hold one need not queue behind
   * those who guess. It has a limit of its own: several may wait for it.
   */
  readonly load: (id: string, options: { readonly known: boolean }) => Promise<Credential | undefined>;
  /** For how long a credential is given out without asking again. Default 5,000. */
  readonly freshMs?: number;
  /** For how long it is given out at all: within this time of a revocation nobody gets in any more. Default 10,000. */
  readonly keepMs?: number;
  /** For how long the store is not asked again for an ID that it does not know. Default 1,000. */
  readonly absentMs?: number;
  /** The most credentials, and the most absent IDs, that are remembered; those longest not asked for go first. Default 10,000. */
  readonly maxEntries?: number;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

export interface CredentialCache {
  /** @throws what `load` fails with, when nothing young enough is known */
  get(id: string): Credential | undefined | Promise<Credential | undefined>;
  /** The next `get` asks again, and an answer that is under way does not count. */
  forget(id: string): void;
}

interface Entry {
  readonly credential: Credential | undefined;
  /** When the store was asked, which is earlier than when it answered: what happened before, this entry knows. */
  readonly asOf: number;
}

/**
 * Remembers credentials for seconds, so that a call costs no question to the store and a revocation still acts soon.
 *
 *     unknown --load--> known, fresh --freshMs--> known, asked for again in the background --keepMs--> waited for
 *                  \--> absent --absentMs--> unknown
 *
 * Equal look-ups are one. While the store is away, what is known is given out until `keepMs`; then callers are told that it is away,
 * never that their credential is wrong.
 */
export function createCredentialCache(options: CredentialCacheOptions): CredentialCache {
  const { load, freshMs = 5_000, keepMs = 10_000, absentMs = 1_000, maxEntries = 10_000, now } = options;
  const known = new Map<string, Entry>();
  const absent = new Map<string, Entry>();
  const loads = new Map<string, Promise<Credential | undefined>>();

  const remember = (id: string, entry: Entry) => {
    const [into, other] = entry.credential === undefined ? [absent, known] : [known, absent];
    other.delete(id);
    into.delete(id);
    into.set(id, entry);
    if (into.size > maxEntries) into.delete(into.keys().next().value!);
  };

  const ask = (id: string): Promise<Credential | undefined> => {
    const running = loads.get(id);
    if (running !== undefined) return running;
    const asOf = now();
    const loading = load(id, { known: known.has(id) })
      .then((credential) => {
        if (loads.get(id) === loading) remember(id, { credential, asOf });
        return credential;
      })
      .finally(() => {
        if (loads.get(id) === loading) loads.delete(id);
      });
    loads.set(id, loading);
    return loading;
  };

  return {
    get(id) {
      const entry = known.get(id) ?? absent.get(id);
      if (entry === undefined) return ask(id);
      const age = now() - entry.asOf;
      if (entry.credential === undefined) return age < absentMs ? undefined : ask(id);
      if (age >= keepMs) return ask(id);
      remember(id, entry);
      // Failing is no news yet: what is known holds until it is too old.
      if (age >= freshMs) ask(id).catch(() => undefined);
      return entry.credential;
    },
    forget(id) {
      loads.delete(id);
      const entry = known.get(id);
      // It stays known, but as too old to be given out.
      if (entry !== undefined) remember(id, { ...entry, asOf: -Infinity });
      absent.delete(id);
    },
  };
}
