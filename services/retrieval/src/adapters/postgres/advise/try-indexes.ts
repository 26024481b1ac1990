import type { Advice } from "../../../domain/advice.ts";
import { type Candidate, covering, sameIndex } from "./candidates.ts";
import type { TableUse } from "./conditions.ts";
import type { Measurement } from "./measure.ts";
import { adviceOf, buildIndexes, indexSql, isWorthwhile, type Trial, tryIndexes } from "./trial.ts";

/** Indexes that go together, for what a statement asks of one table. */
export interface Proposal {
  readonly use: TableUse;
  readonly candidates: readonly [Candidate, ...Candidate[]];
}

export interface Tried extends Proposal {
  readonly after: Measurement;
  readonly bytes: number;
}

/** Of two indexes that help about alike, the smaller one. */
const alikeRatio = 1.1;
const alikeMs = 0.05;
/** Further columns make every write dearer: they must save so much. */
const coveringMs = 0.5;
/** Changes that are proposed for one statement, each on top of the earlier ones. */
const maxChanges = 2;

/** The best index for a statement, and then the best on top of it. */
export async function adviseIndexes(trial: Trial, proposals: readonly Proposal[]): Promise<readonly Advice[]> {
  const { transaction, copies, statement, onCopies, today } = trial;
  const advice: Advice[] = [];
  let left = proposals;
  // The first is compared with the tables themselves as well.
  let befores: readonly [Measurement, ...Measurement[]] = [today, onCopies];
  while (advice.length < maxChanges) {
    const best = await bestIndex(trial, statement.sql, left, befores);
    if (best === undefined) break;
    const chosen = await withCovering(trial, best);
    const sql = await indexSql(trial, chosen.candidates);
    const explanation = `${advice.length > 0 ? "Beside the other index for this statement, it" : "It"} ${purposeOf(chosen)}.`;
    const outcome = { explanation, before: befores[0], after: chosen.after, indexBytes: chosen.bytes };
    advice.push(adviceOf(trial, { kind: "index", sql }, outcome));
    await buildIndexes(transaction, chosen.candidates, copies);
    left = left.filter(({ candidates }) => !sameIndex(candidates[0], best.candidates[0]));
    befores = [chosen.after];
  }
  return advice;
}

/** The fastest; of those that are about as fast, the smallest. Undefined where none is worth it. */
export async function bestIndex(
  trial: Trial,
  sql: string,
  proposals: readonly Proposal[],
  befores: readonly Measurement[],
): Promise<Tried | undefined> {
  const tried: Tried[] = [];
  for (const proposal of proposals) {
    const result = await tryIndexes(trial, sql, proposal.candidates);
    if (result !== undefined && isWorthwhile(result.after, ...befores)) tried.push({ ...proposal, ...result });
  }
  const fastestMs = Math.min(...tried.map(({ after }) => after.elapsedMs));
  return tried
    .filter(({ after }) => after.elapsedMs <= alikeRatio * fastestMs + alikeMs)
    .sort((one, other) => one.bytes - other.bytes)[0];
}

/** Holds the other columns too where that helps once more. */
async function withCovering(trial: Trial, best: Tried): Promise<Tried> {
  const [first, ...others] = best.candidates;
  const candidate = others.length > 0 ? undefined : covering(first, best.use);
  if (candidate === undefined) return best;
  const result = await tryIndexes(trial, trial.statement.sql, [candidate]);
  return result !== undefined &&
    best.after.elapsedMs - result.after.elapsedMs >= coveringMs &&
    isWorthwhile(result.after, best.after)
    ? { ...best, candidates: [candidate], ...result }
    : best;
}

export function purposeOf({ candidates: [first, ...others] }: Proposal): string {
  const where = first.predicate === undefined ? "" : ` (${first.predicate})`;
  if (others.length === 0) return first.purpose + where;
  return `serves the branches of OR, each by an index of its own: it ${[first, ...others].map(({ purpose }) => purpose).join(", and ")}`;
}
