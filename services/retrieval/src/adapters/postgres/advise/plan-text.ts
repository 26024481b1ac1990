import { number, type PlanNode, text, texts } from "./plan.ts";
import { withoutValues } from "./sql.ts";

/** A plan of more lines is cut: whoever reads it knows enough by then. */
const maxLines = 80;

/** What of a node is shown below its line, in EXPLAIN's own order. Everything that may hold a value is an expression. */
const expressions = [
  "Group Key",
  "Sort Key",
  "Presorted Key",
  "Index Cond",
  "Recheck Cond",
  "Order By",
  "TID Cond",
  "Hash Cond",
  "Merge Cond",
  "Join Filter",
  "One-Time Filter",
  "Filter",
] as const;
const counts = [
  "Rows Removed by Join Filter",
  "Rows Removed by Filter",
  "Rows Removed by Index Recheck",
  "Heap Fetches",
] as const;

/** A plan as EXPLAIN (ANALYZE, BUFFERS) writes it, with `?` for every value: statements and plans are shown, what users asked is not. */
export function planText(root: PlanNode): string {
  const lines = nodeLines(root, 0);
  return (lines.length <= maxLines ? lines : [...lines.slice(0, maxLines), "..."]).join("\n");
}

function nodeLines(node: PlanNode, depth: number): string[] {
  const indent = " ".repeat(depth === 0 ? 0 : depth * 6 - 4);
  const inner = " ".repeat(depth === 0 ? 2 : depth * 6 + 2);
  const subplan = text(node, "Subplan Name");
  return [
    ...(subplan === undefined ? [] : [`${indent}${subplan}`]),
    `${indent}${depth === 0 ? "" : "->  "}${title(node)} ${figures(node)}`,
    ...[...details(node)].map((line) => inner + line),
    ...(node.Plans ?? []).flatMap((child) => nodeLines(child, depth + 1)),
  ];
}

function title(node: PlanNode): string {
  const partial = text(node, "Partial Mode");
  const words = [
    partial === undefined || partial === "Simple" ? "" : partial,
    node["Parallel Aware"] === true ? "Parallel" : "",
    strategy(node),
    text(node, "Scan Direction") === "Backward" ? "Backward" : "",
  ];
  const index = text(node, "Index Name");
  const relation = text(node, "Relation Name") ?? text(node, "CTE Name") ?? text(node, "Function Name");
  const alias = text(node, "Alias");
  const using = index === undefined ? "" : relation === undefined ? ` on ${index}` : ` using ${index}`;
  const on =
    relation === undefined ? "" : ` on ${relation}${alias === undefined || alias === relation ? "" : ` ${alias}`}`;
  return words.filter(Boolean).join(" ") + using + on;
}

function strategy(node: PlanNode): string {
  const type = text(node, "Node Type") ?? "";
  const kind = text(node, "Strategy");
  const join = text(node, "Join Type");
  if (type === "Aggregate" && kind === "Hashed") return "HashAggregate";
  if (type === "Aggregate" && kind === "Sorted") return "GroupAggregate";
  if (join === undefined || join === "Inner") return type;
  return type === "Nested Loop" ? `Nested Loop ${join} Join` : type.replace(/ Join$/, ` ${join} Join`);
}

function figures(node: PlanNode): string {
  const two = (property: string) => number(node, property).toFixed(2);
  const cost = `(cost=${two("Startup Cost")}..${two("Total Cost")} rows=${number(node, "Plan Rows")} width=${number(node, "Plan Width")})`;
  const loops = number(node, "Actual Loops");
  if (loops === 0) return node["Actual Loops"] === undefined ? cost : `${cost} (never executed)`;
  const time =
    node["Actual Total Time"] === undefined ? "" : `time=${two("Actual Startup Time")}..${two("Actual Total Time")} `;
  return `${cost} (actual ${time}rows=${number(node, "Actual Rows")} loops=${loops})`;
}

function* details(node: PlanNode): Generator<string> {
  for (const property of expressions) {
    const values = texts(node, property);
    if (values.length > 0) yield `${property}: ${values.map(withoutValues).join(", ")}`;
  }
  for (const property of counts) {
    const count = number(node, property);
    if (count > 0) yield `${property}: ${count}`;
  }
  const sort = text(node, "Sort Method");
  if (sort !== undefined)
    yield `Sort Method: ${sort}  ${text(node, "Sort Space Type") ?? ""}: ${number(node, "Sort Space Used")}kB`;
  const workers = number(node, "Workers Launched");
  if (workers > 0) yield `Workers Launched: ${workers}`;
  const buffers = [buffersOf(node, "Shared"), buffersOf(node, "Local"), buffersOf(node, "Temp")].filter(Boolean);
  if (buffers.length > 0) yield `Buffers: ${buffers.join(", ")}`;
}

function buffersOf(node: PlanNode, kind: string): string {
  const parts = ["Hit", "Read", "Dirtied", "Written"].flatMap((what) => {
    const blocks = number(node, `${kind} ${what} Blocks`);
    return blocks > 0 ? [`${what.toLowerCase()}=${blocks}`] : [];
  });
  return parts.length === 0 ? "" : `${kind.toLowerCase()} ${parts.join(" ")}`;
}
