import {
  all,
  columnRef,
  type Fields,
  fieldsOf,
  isNode,
  isSameTree,
  list,
  nameParts,
  type Node,
  parseStatement,
  quoteName,
  toSql,
} from "./sql.ts";
import type { Table } from "./tables.ts";

/** A statement in other words. Each pattern gives the same rows by its own rule; a trial compares them all the same. */
export interface Rewrite {
  readonly sql: string;
  readonly explanation: string;
  /** Where its parameters are not those of the statement: how to find them, for one call. */
  readonly keys?: Keys;
}

/** The last row of the page before. */
export interface Keys {
  /** Gives one row, `key`: the values that rows are ordered by, as text. */
  readonly sql: string;
  /** What `sql` is called with; undefined where there is no page before. */
  valuesBefore(values: readonly unknown[]): readonly unknown[] | undefined;
  valuesAfter(values: readonly unknown[], key: readonly string[]): readonly unknown[];
}

type Query = Fields;

/** What a column of a query is, by the names in its FROM. Undefined where that is not certain. */
type Lookup = (
  parts: readonly string[],
) => { readonly alias: string; readonly column: string; readonly isRequired: boolean } | undefined;

/**
 * The statement in other words that are known to be faster at times. `tables` are those that it reads, each under one name of the database.
 */
export function rewrites(statement: Node, tables: readonly Table[]): readonly Rewrite[] {
  const query = fieldsOf(statement, "SelectStmt");
  if (query === undefined || query["op"] !== "SETOP_NONE") return [];
  const patterns = [notExists, unionOfBranches, dayRange, afterKey];
  return patterns.flatMap((pattern) => writable(() => pattern(query, tables)) ?? []);
}

/** Thrown where the text of a query would say something else than the query: a writer that leaves out a parenthesis does that. */
class UnwritableError extends Error {}

function toQuery(query: Query): string {
  const tree: Node = { SelectStmt: query };
  const sql = toSql(tree);
  if (!isSameTree(parseStatement(sql), tree)) throw new UnwritableError();
  return sql;
}

/** Undefined where what is proposed cannot be written. */
function writable(propose: () => Rewrite | undefined): Rewrite | undefined {
  try {
    return propose();
  } catch (error) {
    if (error instanceof UnwritableError) return undefined;
    throw error;
  }
}

/** The conditions of a WHERE that must all hold. */
function conjuncts(node: unknown): readonly Node[] {
  const and = fieldsOf(node, "BoolExpr");
  if (and?.["boolop"] === "AND_EXPR") return list(and["args"]).flatMap(conjuncts);
  return isNode(node) ? [node] : [];
}

const allOf = (nodes: readonly Node[]): Node =>
  nodes.length === 1 ? nodes[0]! : { BoolExpr: { boolop: "AND_EXPR", args: nodes } };

/** Changes the first condition for which `change` knows another. */
function withConditionChanged(query: Query, change: (condition: Node) => Node | undefined): Query | undefined {
  const conditions = conjuncts(query["whereClause"]);
  for (const [place, condition] of conditions.entries()) {
    const changed = change(condition);
    if (changed !== undefined) return { ...query, whereClause: allOf(conditions.with(place, changed)) };
  }
  return undefined;
}

/** Names in FROM; undefined where there is more than plain tables. */
function lookupIn(query: Query, tables: readonly Table[]): Lookup | undefined {
  const inFrom = (node: Node): readonly Fields[] | undefined => {
    const join = fieldsOf(node, "JoinExpr");
    if (join === undefined) return "RangeVar" in node ? [node["RangeVar"]!] : undefined;
    // The other side of an outer join may be missing, and is then null in spite of its table.
    if (join["jointype"] !== "JOIN_INNER" || join["usingClause"] !== undefined || join["isNatural"] === true)
      return undefined;
    const [left, right] = [inFrom(join["larg"] as Node), inFrom(join["rarg"] as Node)];
    return left && right && [...left, ...right];
  };
  const named: { readonly alias: string; readonly table: Table }[] = [];
  for (const each of list(query["fromClause"])) {
    for (const { relname, alias } of inFrom(each) ?? [{}]) {
      const table = tables.find(({ name }) => name === relname);
      if (table === undefined) return undefined;
      named.push({ alias: String((alias as Fields | undefined)?.["aliasname"] ?? relname), table });
    }
  }
  return (parts) => {
    const column = parts.at(-1)!;
    const matches = named.filter(
      ({ alias, table }) =>
        (parts.length === 1 || alias === parts.at(-2)) && table.columns.some(({ name }) => name === column),
    );
    const [match] = matches;
    if (match === undefined || matches.length > 1 || parts.length > 2) return undefined;
    return {
      alias: match.alias,
      column,
      isRequired: match.table.columns.some(({ name, isRequired }) => name === column && isRequired),
    };
  };
}

const columnIn = (node: unknown, lookup: Lookup) => {
  const reference = fieldsOf(node, "ColumnRef");
  return reference === undefined ? undefined : lookup(nameParts(reference["fields"]));
};

/** `x NOT IN (SELECT y ...)` compares every row with every other where y may be null; with neither null, NOT EXISTS is the same. */
function notExists(query: Query, tables: readonly Table[]): Rewrite | undefined {
  const outer = lookupIn(query, tables);
  const changed = withConditionChanged(query, (condition) => {
    const not = fieldsOf(condition, "BoolExpr");
    const link = not?.["boolop"] === "NOT_EXPR" ? fieldsOf(list(not["args"])[0], "SubLink") : undefined;
    const inner = fieldsOf(link?.["subselect"], "SelectStmt");
    if (
      link?.["subLinkType"] !== "ANY_SUBLINK" ||
      link["operName"] !== undefined ||
      inner === undefined ||
      outer === undefined
    )
      return undefined;
    if (!isPlain(inner) || list(inner["targetList"]).length !== 1) return undefined;
    const own = lookupIn(inner, tables);
    const [wanted, given] = [
      columnIn(link["testexpr"], outer),
      own && columnIn(fieldsOf(list(inner["targetList"])[0], "ResTarget")?.["val"], own),
    ];
    // One name for two tables would be another table inside than outside.
    if (
      !wanted?.isRequired ||
      !given?.isRequired ||
      own === undefined ||
      own([wanted.alias, wanted.column])?.alias === wanted.alias
    )
      return undefined;
    if (list(inner["fromClause"]).some((from) => aliasOf(from) === wanted.alias)) return undefined;
    const equal = {
      A_Expr: {
        kind: "AEXPR_OP",
        name: [{ String: { sval: "=" } }],
        lexpr: columnRef(given.alias, given.column),
        rexpr: columnRef(wanted.alias, wanted.column),
      },
    };
    const subselect = {
      SelectStmt: {
        ...inner,
        targetList: [{ ResTarget: { val: { A_Const: { ival: { ival: 1 } } } } }],
        whereClause: allOf([...conjuncts(inner["whereClause"]), equal]),
      },
    };
    return { BoolExpr: { boolop: "NOT_EXPR", args: [{ SubLink: { subLinkType: "EXISTS_SUBLINK", subselect } }] } };
  });
  return (
    changed && {
      sql: toQuery(changed),
      explanation:
        "NOT IN must look at the whole subquery for a null; neither column can be null here, so NOT EXISTS gives the same rows and can be a join.",
    }
  );
}

const aliasOf = (node: Node): unknown => {
  const table = fieldsOf(node, "RangeVar");
  return (table?.["alias"] as Fields | undefined)?.["aliasname"] ?? table?.["relname"];
};

/** What makes rows of a query other than those of its FROM and WHERE. */
const clauses = [
  "groupClause",
  "havingClause",
  "distinctClause",
  "windowClause",
  "limitCount",
  "limitOffset",
  "sortClause",
  "withClause",
  "valuesLists",
];

const isPlain = (query: Query): boolean =>
  query["op"] === "SETOP_NONE" &&
  clauses.every((clause) => query[clause] === undefined) &&
  all(query["targetList"], "FuncCall").length === 0;

/** OR over columns of different tables: no index serves both. Each branch alone has one; rows of an earlier branch are left out of later ones. */
function unionOfBranches(query: Query, tables: readonly Table[]): Rewrite | undefined {
  const lookup = lookupIn(query, tables);
  if (lookup === undefined || !isPlain(query)) return undefined;
  const conditions = conjuncts(query["whereClause"]);
  const place = conditions.findIndex((condition) => {
    if (fieldsOf(condition, "BoolExpr")?.["boolop"] !== "OR_EXPR") return false;
    const columns = all([condition], "ColumnRef").map(({ fields }) => lookup(nameParts(fields)));
    return columns.every((column) => column !== undefined) && new Set(columns.map((column) => column?.alias)).size > 1;
  });
  if (place < 0) return undefined;
  const branches = list(fieldsOf(conditions[place], "BoolExpr")?.["args"]);
  if (branches.length > 4) return undefined;
  const queries = branches.map((branch, index) => {
    const earlier = branches
      .slice(0, index)
      .map((each): Node => ({ BooleanTest: { arg: each, booltesttype: "IS_NOT_TRUE" } }));
    return toQuery({ ...query, whereClause: allOf([...conditions.toSpliced(place, 1), branch, ...earlier]) });
  });
  return {
    sql: queries.join("\nUNION ALL\n"),
    explanation:
      "OR over columns of different tables keeps every index from being used; each branch alone can use one, and no row is given twice.",
  };
}

/** `moment::date = $1` hides the column from its index; a range from midnight to midnight does not. */
function dayRange(query: Query): Rewrite | undefined {
  const changed = withConditionChanged(query, (condition) => {
    const compared = fieldsOf(condition, "A_Expr");
    const cast = fieldsOf(compared?.["lexpr"], "TypeCast");
    const isDay = nameParts((cast?.["typeName"] as Fields | undefined)?.["names"]).at(-1) === "date";
    if (compared?.["kind"] !== "AEXPR_OP" || nameParts(compared["name"]).join() !== "=" || !isDay || cast === undefined)
      return undefined;
    const day = compared["rexpr"];
    if (fieldsOf(cast["arg"], "ColumnRef") === undefined || all([day], "ColumnRef").length > 0) return undefined;
    const asDate = { TypeCast: { arg: day, typeName: cast["typeName"] } };
    const next = operator("+", asDate, { A_Const: { ival: { ival: 1 } } });
    return allOf([operator(">=", cast["arg"], asDate), operator("<", cast["arg"], next)]);
  });
  return (
    changed && {
      sql: toQuery(changed),
      explanation:
        "An index of the column is of moments, not of days; the range from midnight to midnight is the same day, and can use it.",
    }
  );
}

/**
 * `OFFSET` reads all rows before the page to throw them away. Rows in an order without ties go on after a row just as well, so that a page costs
 * the same wherever it is; but who asks must know that row.
 */
function afterKey(query: Query, tables: readonly Table[]): Rewrite | undefined {
  const { limitOffset, sortClause, ...rest } = query;
  const [from, ...others] = list(query["fromClause"]);
  const table = tables.find(({ name }) => name === fieldsOf(from, "RangeVar")?.["relname"]);
  const lookup = lookupIn(query, tables);
  const offset = fieldsOf(limitOffset, "ParamRef");
  const isRows = ["groupClause", "havingClause", "distinctClause", "windowClause", "withClause"].every(
    (each) => query[each] === undefined,
  );
  if (offset === undefined || table === undefined || lookup === undefined || others.length > 0 || !isRows)
    return undefined;
  const sorts = list(sortClause).flatMap((each): Fields[] => {
    const fields = fieldsOf(each, "SortBy");
    return fields === undefined ? [] : [fields];
  });
  const columns = sorts.flatMap(({ node }) => columnIn(node, lookup) ?? []);
  const directions = new Set(sorts.map(({ sortby_dir: direction }) => direction === "SORTBY_DESC"));
  const isPlainOrder = sorts.every(
    (each) => each["sortby_nulls"] === "SORTBY_NULLS_DEFAULT" && each["useOp"] === undefined,
  );
  const names = columns.map(({ column }) => quoteName(column));
  const hasNoTies = table.indexes.some(
    ({ isUnique, predicate, keys }) => isUnique && predicate === undefined && keys.every((key) => names.includes(key)),
  );
  if (columns.length === 0 || columns.length < sorts.length || directions.size > 1 || !isPlainOrder || !hasNoTies)
    return undefined;
  if (!columns.every(({ isRequired }) => isRequired)) return undefined;

  const first = Number(offset["number"]);
  const highest = Math.max(...all([{ SelectStmt: query }], "ParamRef").map(({ number }) => Number(number)));
  const numbers = columns.map((_, place) => (place === 0 ? first : highest + place));
  const sides = [sorts.map(({ node }) => node), numbers.map((number): Node => ({ ParamRef: { number } }))];
  const [left, right] = sides.map((args) =>
    args.length === 1 ? args[0] : { RowExpr: { args, row_format: "COERCE_IMPLICIT_CAST" } },
  );
  const after = operator(directions.has(true) ? "<" : ">", left, right);
  const key = { A_ArrayExpr: { elements: sorts.map(({ node }) => ({ TypeCast: { arg: node, typeName: textType } })) } };
  return {
    sql: toQuery({
      ...rest,
      sortClause,
      limitOption: query["limitOption"],
      whereClause: allOf([...conjuncts(query["whereClause"]), after]),
    }),
    explanation:
      `OFFSET reads the rows before the page to throw them away. This goes on after the last row of the page before: ` +
      `${numbers.map((number, place) => `$${number} is its ${names[place]}`).join(", ")}.`,
    keys: {
      sql: toQuery({ ...query, targetList: [{ ResTarget: { name: "key", val: key } }] }),
      valuesBefore: (values) =>
        Number(values[first - 1]) > 0 ? values.with(first - 1, Number(values[first - 1]) - 1) : undefined,
      valuesAfter: (values, [own, ...more]) => [...values.with(first - 1, own), ...more],
    },
  };
}

const textType = { names: [{ String: { sval: "text" } }], typemod: -1 };

const operator = (name: string, lexpr: unknown, rexpr: unknown): Node => ({
  A_Expr: { kind: "AEXPR_OP", name: [{ String: { sval: name } }], lexpr, rexpr },
});
