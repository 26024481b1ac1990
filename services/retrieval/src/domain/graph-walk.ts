/**
 * How a search of the graph weighs what it finds. From the entities that a question names, relations are followed in both directions, at most two
 * in a row and never through one entity twice; each step passes on a part of what there is (spreading activation; Crestani: Application of
 * spreading activation techniques in information retrieval, 1997). What of it arrives at an entity is damped by how often that is mentioned, as
 * idf does with words, and given to each passage that mentions it.
 */

/** The bounds of a walk: what is beyond them is not found. */
export const walkBounds = {
  /** Entities named by the question; a name that many share stands for the oldest. */
  named: 16,
  /** Relations followed from an entity that was named, and from one that was reached: the strongest, of equals the oldest. */
  fanOut: [64, 16],
  /** Entities whose mentions are asked for: the best. */
  reached: 200,
  /** Passages asked for by one entity: of those that the filter lets through, the ones stored first. */
  mentions: 10_000,
} as const;

export const maxHops = walkBounds.fanOut.length;

/** What a relation of weight 1 passes on. */
export const decay = 0.5;

/** What stands before the kind of a relation that was followed against its direction, as in SPARQL's paths. */
export const inverse = "^";

/** One way from a named entity to another, or to itself without a step. Entities are rows of the store. */
export interface Way {
  /** From the named entity on. */
  readonly path: readonly number[];
  /** One less than the path; `inverse` before those followed against their direction. */
  readonly kinds: readonly string[];
  /** Of the relations. */
  readonly weights: readonly number[];
}

/** A way with what arrives at its end. */
export interface Walk extends Omit<Way, "weights"> {
  readonly entity: number;
  /** The product over the steps of decay x weight / log2(1 + steps that begin with the same way). */
  readonly gain: number;
}

/** The best way to each entity, the best entities first, no more than the bound. Every way is given with all ways that it begins with. */
export function bestWalks(ways: readonly Way[]): readonly Walk[] {
  const best = new Map<number, Walk>();
  for (const walk of weigh(ways)) {
    const known = best.get(walk.entity);
    if (known === undefined || compareWalks(walk, known) < 0) best.set(walk.entity, walk);
  }
  return [...best.values()].sort(compareWalks).slice(0, walkBounds.reached);
}

function weigh(ways: readonly Way[]): readonly Walk[] {
  const gains = new Map<string, number>();
  const beside = Map.groupBy(ways, (way) => (way.kinds.length === 0 ? "" : nameOfWay(way, way.kinds.length - 1)));
  return ways
    .toSorted((left, right) => left.path.length - right.path.length)
    .map((way) => {
      const { path, kinds, weights } = way;
      const steps = kinds.length;
      let gain = 1;
      if (steps > 0) {
        const before = nameOfWay(way, steps - 1);
        gain = ((gains.get(before) ?? 0) * decay * weights[steps - 1]!) / Math.log2(1 + beside.get(before)!.length);
      }
      gains.set(nameOfWay(way, steps), gain);
      return { entity: path.at(-1)!, path, kinds, gain };
    });
}

/** Names the first steps of a way; relations of several kinds lead to the same entities. */
function nameOfWay({ path, kinds }: Way, steps: number): string {
  return JSON.stringify([path.slice(0, steps + 1), kinds.slice(0, steps)]);
}

/** Better first; else shorter, else older entities, else kinds by name: the same whatever the order in which the store gives them. */
function compareWalks(left: Walk, right: Walk): number {
  if (left.gain !== right.gain) return right.gain - left.gain;
  if (left.path.length !== right.path.length) return left.path.length - right.path.length;
  for (const [index, entity] of left.path.entries()) {
    if (entity !== right.path[index]) return entity - right.path[index]!;
  }
  const [a, b] = [left.kinds.join("\0"), right.kinds.join("\0")];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a mention of an entity is worth that is mentioned in so many of all passages: in (0, 1], less than half when in nearly all. */
export function rarity(mentionCount: number, passageCount: number): number {
  const total = Math.max(passageCount, mentionCount, 1);
  return Math.log1p(total / (1 + mentionCount)) / Math.log1p(total);
}

/** `name`, `relation`, `name`, ... as the contract shows it. */
export function pathOf(
  { path, kinds }: Pick<Way, "path" | "kinds">,
  nameOf: (entity: number) => string,
): readonly string[] {
  return path.flatMap((entity, index) => (index === 0 ? [nameOf(entity)] : [kinds[index - 1]!, nameOf(entity)]));
}

/** A passage with what each entity that it mentions is worth, and by whom it is explained: the most worth, of equals the oldest. */
export function scoreOf(gains: readonly { readonly entity: number; readonly gain: number }[]): {
  readonly score: number;
  readonly entity: number;
} {
  // Added in one order, so that every store comes to the same bits.
  const sorted = gains.toSorted((left, right) => right.gain - left.gain || left.entity - right.entity);
  return { score: sorted.reduce((sum, { gain }) => sum + gain, 0), entity: sorted[0]!.entity };
}
