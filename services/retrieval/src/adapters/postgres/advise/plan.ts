/** A node of a plan, as EXPLAIN (FORMAT JSON) gives it. */
export type PlanNode = { readonly [property: string]: unknown; readonly Plans?: readonly PlanNode[] };

export interface Plan {
  readonly root: PlanNode;
  /** Undefined where it was not run. */
  readonly executionMs: number | undefined;
}

/** The one row of EXPLAIN (FORMAT JSON). */
export interface ExplainRow {
  readonly "QUERY PLAN": readonly { readonly Plan: PlanNode; readonly "Execution Time"?: number }[];
}

export function planOf([row]: readonly ExplainRow[]): Plan {
  const { Plan: root, "Execution Time": executionMs } = row!["QUERY PLAN"][0]!;
  return { root, executionMs };
}

/** Every node, from above. */
export function* planNodes(node: PlanNode): Generator<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* planNodes(child);
}

export const text = (node: PlanNode, property: string): string | undefined => {
  const value = node[property];
  return typeof value === "string" ? value : undefined;
};

export const texts = (node: PlanNode, property: string): readonly string[] => {
  const value = node[property];
  return Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
};

export const number = (node: PlanNode, property: string): number => {
  const value = node[property];
  return typeof value === "number" ? value : 0;
};
