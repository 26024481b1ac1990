import { number, type PlanNode, planNodes, text, texts } from "./plan.ts";
import {
  all,
  columnRef,
  expressionSql,
  type Fields,
  fieldsOf,
  isNode,
  list,
  nameParts,
  type Node,
  parseExpression,
  rewrite,
} from "./sql.ts";

/** How a condition compares what a table holds with something that is known when the table is read. */
export type ConditionKind =
  "equal" | "range" | "prefix" | "match" | "contain" | "is-null" | "is-not-null" | "true" | "false";

/** One condition of a statement on one table. */
export interface Condition {
  readonly kind: ConditionKind;
  /** A column's name, or an expression over columns of the table, as it stands in CREATE INDEX. */
  readonly expression: string;
  /** Undefined for an expression. */
  readonly column: string | undefined;
  /** As PostgreSQL names it, with the table's side on the left: `=`, `<`, `@>`, `~~`. */
  readonly operator: string;
  /** The other side is a column of another table. */
  readonly isJoin: boolean;
  /** Whether the other side is a list: `= ANY ($1)`. */
  readonly isList: boolean;
  /** The number of the parameter that alone is the other side. */
  readonly parameter: number | undefined;
  /** Those of which the other side is a list: `= ANY (ARRAY[$1, $2])`. */
  readonly elements: readonly number[];
}

/** What a statement wants of one table, under one name. */
export interface TableUse {
  readonly alias: string;
  readonly table: string;
  readonly conditions: Condition[];
  /** What OR stands between, where all of it is of this table: one condition of each branch. */
  readonly alternatives: Condition[][];
  /** Lists of keys that rows are sorted by, where all of one list are of this table: `created_at DESC`. */
  readonly sorts: { readonly column: string; readonly sql: string; readonly isDescending: boolean }[][];
  /** Columns that are read. */
  readonly columns: Set<string>;
}

/** The names in a node of a plan. */
interface Scope {
  /** Of the node's own table: columns may stand without it. */
  readonly alias: string | undefined;
  readonly uses: ReadonlyMap<string, TableUse>;
  /** Whether a column is as text, byte by byte, so that a cast to text is none. */
  readonly isTextLike: (table: string, column: string) => boolean;
}

const conditionProperties = ["Filter", "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter"] as const;
const operators: Readonly<Record<string, ConditionKind>> = {
  "=": "equal",
  "<": "range",
  "<=": "range",
  ">": "range",
  ">=": "range",
  "~~": "match",
  "~~*": "match",
  "@>": "contain",
  "<@": "contain",
  "&&": "contain",
  "?": "contain",
  "?|": "contain",
  "?&": "contain",
  "@@": "contain",
};
const turned: Readonly<Record<string, string>> = {
  "=": "=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "&&": "&&",
  "<@": "@>",
  "@>": "<@",
};

/**
 * What a plan asks of each table, whichever way it finds the rows at present. The plan is a generic one, EXPLAIN (VERBOSE, FORMAT JSON), in
 * which parameters are `$1`: so no value of a user gets any further from here.
 */
export function tableUses(root: PlanNode, isTextLike: Scope["isTextLike"]): readonly TableUse[] {
  const nodes = [...planNodes(root)];
  const uses = new Map<string, TableUse>();
  for (const node of nodes) {
    const [table, alias] = [text(node, "Relation Name"), text(node, "Alias")];
    if (table === undefined || alias === undefined || uses.has(alias)) continue;
    uses.set(alias, { alias, table, conditions: [], alternatives: [], sorts: [], columns: new Set() });
  }
  const seen = new Set<string>();
  const isNew = (found: unknown) => {
    const key = JSON.stringify(found);
    return !seen.has(key) && seen.add(key).has(key);
  };
  for (const node of nodes) {
    const scope: Scope = { alias: text(node, "Alias"), uses, isTextLike };
    for (const property of conditionProperties) {
      for (const expression of texts(node, property).flatMap((each) => conjuncts(parseExpression(each)))) {
        for (const [alias, condition] of conditionsOf(expression, scope)) {
          if (isNew([alias, condition])) uses.get(alias)?.conditions.push(condition);
        }
        const [alias, branches] = branchesOf(expression, scope) ?? [];
        if (alias !== undefined && branches !== undefined && isNew(branches))
          uses.get(alias)?.alternatives.push(branches);
      }
    }
    addSort(node, scope);
    for (const output of texts(node, "Output").concat(conditionProperties.flatMap((each) => texts(node, each)))) {
      for (const [alias, column] of columnsIn(parseExpression(output), scope)) uses.get(alias)?.columns.add(column);
    }
  }
  return [...uses.values()];
}

/** The parts of AND, and of AND within. */
function conjuncts(node: Node | undefined): readonly Node[] {
  const and = fieldsOf(node, "BoolExpr");
  if (and?.["boolop"] !== "AND_EXPR") return node === undefined ? [] : [node];
  return list(and["args"]).flatMap(conjuncts);
}

/** One condition of each branch of OR; undefined where a branch has none of the same table. */
function branchesOf(node: Node, scope: Scope): [alias: string, branches: Condition[]] | undefined {
  const or = fieldsOf(node, "BoolExpr");
  if (or?.["boolop"] !== "OR_EXPR") return undefined;
  const branches = list(or["args"]).map((each) => conjuncts(each).flatMap((part) => [...conditionsOf(part, scope)]));
  const [alias] = branches[0]?.[0] ?? [];
  const found = branches.flatMap((branch) => branch.find((each) => each[0] === alias)?.[1] ?? []);
  return alias === undefined || found.length < branches.length ? undefined : [alias, found];
}

function* conditionsOf(node: Node, scope: Scope): Generator<[string, Condition]> {
  const compared = fieldsOf(node, "A_Expr");
  if (compared !== undefined) {
    const [operator = ""] = nameParts(compared["name"]).slice(-1);
    const [left, right] = [compared["lexpr"], compared["rexpr"]];
    const isList = compared["kind"] === "AEXPR_OP_ANY";
    if (!["AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_LIKE", "AEXPR_ILIKE"].includes(String(compared["kind"]))) return;
    yield* side(left, right, operator, isList, scope);
    if (!isList && turned[operator] !== undefined) yield* side(right, left, turned[operator], false, scope);
    return;
  }
  const nullTest = fieldsOf(node, "NullTest");
  const not = fieldsOf(node, "BoolExpr");
  const [kind, operand]: [ConditionKind, unknown] =
    nullTest !== undefined
      ? [nullTest["nulltesttype"] === "IS_NULL" ? "is-null" : "is-not-null", nullTest["arg"]]
      : not?.["boolop"] === "NOT_EXPR"
        ? ["false", list(not["args"])[0]]
        : ["true", node];
  const column = columnOf(operand, scope);
  if (column === undefined) return;
  yield [
    column[0],
    { kind, ...named(column[1]), operator: "", isJoin: false, isList: false, parameter: undefined, elements: [] },
  ];
}

const named = (column: string) => ({ expression: columnSql(column), column });
const columnSql = (column: string): string => expressionSql(columnRef(column));

function* side(
  own: unknown,
  other: unknown,
  operator: string,
  isList: boolean,
  scope: Scope,
): Generator<[string, Condition]> {
  const kind = operators[operator];
  const mine = aliasesIn(own, scope);
  const others = aliasesIn(other, scope);
  const [alias] = mine;
  if (
    kind === undefined ||
    !isNode(own) ||
    alias === undefined ||
    mine.size !== 1 ||
    others.has(alias) ||
    !scope.uses.has(alias)
  )
    return;
  const column = columnOf(own, scope);
  // An expression that a parameter is part of is another one at each call.
  if (column === undefined && all(own, "ParamRef").length + all(own, "SubLink").length > 0) return;
  yield [
    alias,
    {
      kind,
      ...(column === undefined
        ? { expression: `(${expressionSql(withoutAlias(own))})`, column: undefined }
        : named(column[1])),
      operator,
      isJoin: others.size > 0,
      isList,
      parameter: parameterOf(other),
      elements: list(fieldsOf(other, "A_ArrayExpr")?.["elements"]).flatMap((each) => parameterOf(each) ?? []),
    },
  ];
}

/** A table's column, through a cast that changes no byte: the one of varchar to text. */
function columnOf(node: unknown, scope: Scope): [alias: string, column: string] | undefined {
  const cast = fieldsOf(node, "TypeCast");
  if (cast !== undefined) {
    const found = columnOf(cast["arg"], scope);
    const table = scope.uses.get(found?.[0] ?? "")?.table ?? "";
    const isText = nameParts((cast["typeName"] as Fields)["names"]).at(-1) === "text";
    return isText && found !== undefined && scope.isTextLike(table, found[1]) ? found : undefined;
  }
  const fields = fieldsOf(node, "ColumnRef")?.["fields"];
  if (fields === undefined) return undefined;
  const parts = nameParts(fields);
  const alias = parts.length > 1 ? parts[0] : scope.alias;
  return alias === undefined ? undefined : [alias, parts.at(-1)!];
}

const aliasesIn = (tree: unknown, scope: Scope): ReadonlySet<string> =>
  new Set(columnsIn(tree, scope).map(([alias]) => alias));

const columnsIn = (tree: unknown, scope: Scope): readonly [string, string][] =>
  all(tree, "ColumnRef").flatMap((fields) => {
    const column = columnOf({ ColumnRef: fields }, scope);
    return column === undefined || column[1] === "*" ? [] : [column];
  });

function parameterOf(node: unknown): number | undefined {
  const cast = fieldsOf(node, "TypeCast");
  if (cast !== undefined) return parameterOf(cast["arg"]);
  const parameter = fieldsOf(node, "ParamRef");
  return parameter === undefined ? undefined : Number(parameter["number"]);
}

/** An expression over the columns of one table, without its name. */
const withoutAlias = (node: Node): Node =>
  rewrite(node, "ColumnRef", ({ fields }) => columnRef(nameParts(fields).at(-1)!)["ColumnRef"]!);

function addSort(node: PlanNode, scope: Scope): void {
  const keys = texts(node, "Sort Key");
  if (keys.length === 0 || number(node, "Plan Rows") === 0) return;
  const parsed = keys.map((key) => {
    // A key is an expression with DESC, NULLS FIRST or a collation behind it.
    const [, expression = key, direction = ""] =
      /^(.*?)((?: COLLATE \S+)?(?: DESC)?(?: NULLS (?:FIRST|LAST))?)$/.exec(key) ?? [];
    const column = columnOf(parseExpression(expression), scope);
    return column === undefined
      ? undefined
      : {
          alias: column[0],
          column: column[1],
          sql: columnSql(column[1]) + direction,
          isDescending: direction.includes(" DESC"),
        };
  });
  const [first] = parsed;
  if (first === undefined || !parsed.every((key) => key?.alias === first.alias)) return;
  scope.uses.get(first.alias)?.sorts.push(parsed.flatMap((key) => (key === undefined ? [] : [key])));
}
