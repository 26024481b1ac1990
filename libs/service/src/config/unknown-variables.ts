import type { Variables } from "./parse-env.ts";
import type { Environment } from "./reading.ts";

const PREFIX = "QUARTET_";
/** More edits than this is another word, not a typing mistake. */
const MAX_EDITS = 3;

/**
 * One line for each `QUARTET_*` variable that no table knows, with the nearest known name where one is near.
 *
 * Whoever reads the union of all tables may treat them as mistakes. A service in an environment shared with others may only do so
 * for the lines of `near: true`: a name that is far from all of its own belongs to a neighbour.
 */
export function unknownVariables(
  environment: Environment,
  tables: readonly Variables[],
  { alsoKnown = [] }: { readonly alsoKnown?: readonly string[] } = {},
): readonly { readonly line: string; readonly near: boolean }[] {
  const rows = tables.flatMap((table) => Object.values(table));
  const known = [...new Set([...rows.map(({ name }) => name), ...alsoKnown])];
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name) && !rows.some((row) => row.owns(name)))
    .sort()
    .map((name) => {
      const [nearest] = known
        .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
        .filter(({ edits }) => edits <= MAX_EDITS)
        .sort((left, right) => left.edits - right.edits);
      return nearest
        ? { line: `${name}: is not known. Did you mean ${nearest.candidate}?`, near: true }
        : { line: `${name}: is not known. Unset it, or see the configuration table in README.md.`, near: false };
    });
}

/** Levenshtein distance over UTF-16 code units, one row at a time (Wagner and Fischer, 1974). */
export function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substitution = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}
