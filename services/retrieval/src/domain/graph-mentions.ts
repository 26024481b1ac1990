import { createGiveWay } from "@quartet/turns";
import { mentionCandidates, mentionedNames } from "./graph-names.ts";

/** Texts whose names are looked up together. */
const textsPerLookup = 32;

export interface MentionSearch {
  /** The most words that a name has. */
  readonly maxNameWords: number;
  /** Those of the keys that are names, with their rows. */
  readonly lookUp: (keys: ReadonlySet<string>) => Promise<ReadonlyMap<string, number>>;
}

/** The rows of the names that each text mentions. Gives way to other work. */
export async function findMentions(
  texts: readonly string[],
  { maxNameWords, lookUp }: MentionSearch,
  signal: AbortSignal,
): Promise<readonly (readonly number[])[]> {
  const giveWay = createGiveWay();
  const found: (readonly number[])[] = [];
  for (let start = 0; start < texts.length; start += textsPerLookup) {
    const group = texts.slice(start, start + textsPerLookup);
    const candidates = new Set<string>();
    for (const text of group) {
      for (const key of mentionCandidates(text, maxNameWords)) candidates.add(key);
      await giveWay(signal);
    }
    const names = candidates.size === 0 ? new Map<string, number>() : await lookUp(candidates);
    for (const text of group) {
      found.push(names.size === 0 ? [] : mentionedRows(text, maxNameWords, names));
      await giveWay(signal);
    }
  }
  return found;
}

/** The rows of the names that a text mentions. */
export function mentionedRows(
  text: string,
  maxNameWords: number,
  names: ReadonlyMap<string, number>,
): readonly number[] {
  return mentionedNames(text, maxNameWords, (key) => names.has(key)).map((key) => names.get(key)!);
}
