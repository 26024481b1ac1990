import type { QueryVector } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import type { Call } from "./stages.ts";
import type { Refreshed } from "./refreshed.ts";

/** How much of a collection is searched by which space. */
export interface ActiveSpace {
  readonly collection: string;
  /** Undefined until the first vector came. */
  readonly spaceId: string | undefined;
  readonly vectorCount: number;
}

/**
 * The space to embed questions in: the active one that most vectors are in. While a new space is built, that is the old one.
 * Collections that are searched by another lose their vector leg, and retrieval says so. Undefined while no collection has
 * any vector; then the embedder's own is as good as another.
 */
export function chooseQuerySpace(collections: Iterable<Omit<ActiveSpace, "collection">>): string | undefined {
  const counts = new Map<string, number>();
  for (const { spaceId, vectorCount } of collections) {
    if (spaceId !== undefined && vectorCount > 0) counts.set(spaceId, (counts.get(spaceId) ?? 0) + vectorCount);
  }
  // Equal counts are told apart by ID, so that every replica chooses the same.
  const [largest] = [...counts].sort(([oneId, one], [otherId, other]) => other - one || (oneId < otherId ? -1 : 1));
  return largest?.[0];
}

/** The collections of a tenant, as far as they can be searched by vectors. */
export type ActiveSpaces = readonly ActiveSpace[];

export interface QueryEmbedderOptions<V> {
  /** Of the tenant on whose behalf a call is made. */
  readonly spaces: (call: Call) => Pick<Refreshed<ActiveSpaces>, "get">;
  /** Without a space: in the embedder's own. */
  readonly embed: (question: string, spaceId: string | undefined, call: Call) => Promise<QueryVector<V>>;
  /** Resolves after the time, or early when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
}

/** Which collections a search is about, as far as its filter says so. */
export type InScope = (collection: string) => boolean;

/** Embeds questions in the space that the collections are searched by. Finding out which is part of the call's time. */
export function createQueryEmbedder<V>(
  options: QueryEmbedderOptions<V>,
): (question: string, inScope: InScope, call: Call) => Promise<QueryVector<V>> {
  const { spaces, embed, now } = options;
  return async (question, inScope, call) => {
    const began = now();
    const known = spaces(call).get();
    const active = known instanceof Promise ? await waitFor(known, call, options.sleep) : known;
    const wanted = chooseQuerySpace((active ?? []).filter(({ collection }) => inScope(collection)));
    const timeoutMs = Math.max(call.floorMs, call.timeoutMs - (now() - began));
    const query = await embed(question, wanted, { ...call, timeoutMs });
    if (wanted !== undefined && query.spaceId !== wanted) {
      throw new Refusal("EMBEDDING_SPACE_MISMATCH", "The embedder cannot make vectors of the space that is searched.");
    }
    return query;
  };
}

/** The spaces, or undefined when they are not known in time to embed as well: then the embedder's own is the best guess. */
async function waitFor(
  known: Promise<ActiveSpaces>,
  { signal, timeoutMs, floorMs }: Call,
  sleep: QueryEmbedderOptions<unknown>["sleep"],
): Promise<ActiveSpaces | undefined> {
  const answered = new AbortController();
  const late = sleep(timeoutMs - floorMs, AbortSignal.any([signal, answered.signal])).then(() => undefined);
  try {
    return await Promise.race([known, late]);
  } finally {
    answered.abort();
  }
}
