import { fingerprintSync, loadModule, normalizeSync, parseSync, scanSync } from "libpg-query";
import { deparseSync, QuoteUtils } from "pgsql-deparser";

/** A node of PostgreSQL's own parse tree: one key, its kind, and its fields. `@pgsql/types` has every kind; few are looked into here. */
export type Node = { readonly [kind: string]: Fields };
export type Fields = { readonly [field: string]: unknown };

/** Makes PostgreSQL's parser, which is WebAssembly, ready: once for the process. */
export const loadParser = loadModule;

/** The one statement of a text; undefined where it is not understood, or several. */
export function parseStatement(text: string): Node | undefined {
  try {
    const { stmts = [] } = parseSync(text);
    return stmts.length === 1 ? (stmts[0]?.stmt as Node | undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** An expression as plans show it; undefined for what is no SQL, such as `(SubPlan 1)`. */
export function parseExpression(text: string): Node | undefined {
  const [target] = list(fieldsOf(parseStatement(`SELECT ${text}`), "SelectStmt")?.["targetList"]);
  return fieldsOf(target, "ResTarget")?.["val"] as Node | undefined;
}

export const toSql = (node: Node): string => deparseSync(node as never).trim();

/** Whether two trees say the same; where their parts stood in a text makes no difference. */
export const isSameTree = (one: unknown, other: unknown): boolean => plain(one) === plain(other);

const places = new Set(["location", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end"]);

const plain = (tree: unknown): string =>
  JSON.stringify(tree, (key, value: unknown) => {
    if (places.has(key)) return undefined;
    return isNode(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
  });

/** An expression on one line. */
export const expressionSql = (node: Node): string => toSql(node).replaceAll(/\s+/g, " ");

/** Equal for statements that differ in constants, parameters and white space alone. */
export const fingerprint = (text: string): string => fingerprintSync(text);

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? value : []);

/** The fields of a node of that kind. */
export function fieldsOf(node: unknown, kind: string): Fields | undefined {
  return isNode(node) ? (node[kind] as Fields | undefined) : undefined;
}

/** Every node of a tree with its kind, from above. */
export function* walk(tree: unknown): Generator<{ readonly kind: string; readonly fields: Fields }> {
  if (Array.isArray(tree)) for (const each of tree) yield* walk(each);
  else if (typeof tree === "object" && tree !== null) {
    for (const [key, value] of Object.entries(tree)) {
      if (/^[A-Z]/.test(key) && isNode(value)) yield { kind: key, fields: value as Fields };
      yield* walk(value);
    }
  }
}

/** The fields of all nodes of a kind. */
export const all = (tree: unknown, kind: string): readonly Fields[] =>
  [...walk(tree)].filter((each) => each.kind === kind).map(({ fields }) => fields);

/** A copy of the tree in which `change` has put other fields for those of a kind. */
export function rewrite<Tree>(tree: Tree, kind: string, change: (fields: Fields) => Fields): Tree {
  if (Array.isArray(tree)) return tree.map((each: unknown) => rewrite(each, kind, change)) as Tree;
  if (typeof tree !== "object" || tree === null) return tree;
  const entries = Object.entries(tree).map(([key, value]): [string, unknown] => {
    const inner = rewrite(value as unknown, kind, change);
    return [key, key === kind && isNode(inner) ? change(inner as Fields) : inner];
  });
  return Object.fromEntries(entries) as Tree;
}

/** The parts of a name, such as `d`, `title` of a column. */
export const nameParts = (value: unknown): readonly string[] =>
  list(value).map((part) => String(fieldsOf(part, "String")?.["sval"] ?? "*"));

export const columnRef = (...parts: readonly string[]): Node => ({
  ColumnRef: { fields: parts.map((sval) => ({ String: { sval } })) },
});

/** The statement with `$1` for its constants, after those that are there. */
export const normalized = (text: string): string => normalizeSync(text);

const comments = new Set(["SQL_COMMENT", "C_COMMENT"]);

/** The statement alone: without comments, which may say anything, and without the semicolon at its end. */
export const bare = (text: string): string =>
  replaceTokens(text, comments, " ")
    .replace(/[\s;]+$/, "")
    .trim();

const literals = new Set(["SCONST", "USCONST", "BCONST", "XCONST", "ICONST", "FCONST"]);

/** A text of SQL, or of a plan, with `?` for each literal in it. */
export const withoutValues = (text: string): string => replaceTokens(text, literals, "?");

function replaceTokens(text: string, kinds: ReadonlySet<string>, replacement: string): string {
  // The scanner counts bytes.
  const bytes = Buffer.from(text);
  const parts: string[] = [];
  let end = 0;
  for (const token of scanSync(text).tokens.filter(({ tokenName }) => kinds.has(tokenName))) {
    parts.push(bytes.subarray(end, token.start).toString(), replacement);
    end = token.end;
  }
  return [...parts, bytes.subarray(end).toString()].join("");
}

/** A name as it must be written. */
export const quoteName = (name: string): string => QuoteUtils.quoteIdentifier(name);
