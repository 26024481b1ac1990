import type { Transaction } from "@quartet/postgres";
import { attempt } from "./attempt.ts";
import { type TableUse, tableUses } from "./conditions.ts";
import { explain, readingAs } from "./measure.ts";
import { type ExplainRow, planNodes, planOf, text } from "./plan.ts";
import { all, fieldsOf, nameParts, type Node, parseStatement, quoteName, rewrite, toSql } from "./sql.ts";
import { isQuickIndex } from "./copy.ts";
import type { SlowStatement } from "./slow-statements.ts";
import { readTables, resolveRelations, type Table } from "./tables.ts";

/** A statement that can be tried on copies of its tables. */
export interface ReadStatement {
  readonly tree: Node;
  /** Its text, with names of tables without their schema. */
  readonly sql: string;
  /** Types of its parameters, in order. */
  readonly types: readonly string[];
  readonly tables: readonly Table[];
  readonly uses: readonly TableUse[];
}

export interface ReadOptions {
  readonly searchPath: string;
  /** Whose rights hold; undefined for the login. */
  readonly role: string | undefined;
}

/** Why a statement is not tried, as a sentence. */
export class NotTriedError extends Error {
  override readonly name = "NotTriedError";
}

const maxTables = 8;

/**
 * Looks at what a statement reads, and how.
 *
 * @throws {NotTriedError} where it cannot be run apart from all else without a doubt
 */
export async function readStatement(
  transaction: Transaction,
  statement: SlowStatement,
  { searchPath, role }: ReadOptions,
): Promise<ReadStatement> {
  const tree = parseStatement(statement.text);
  if (tree === undefined) throw new NotTriedError("It cannot be read: it is not one whole statement.");
  checkOnlyReads(tree);
  await transaction.query("SELECT set_config('search_path', $1, true)", [searchPath]);
  await checkFunctions(transaction, tree);
  const tables = await tablesOf(transaction, tree);
  const { types, uses } = await readUses(transaction, statement.text, tables, { searchPath, role });
  return { tree, sql: withoutSchemas(tree, statement.text), types, tables, uses };
}

/**
 * What a text asks of tables, by a plan that knows no values.
 *
 * @throws {NotTriedError} where PostgreSQL does not take the text, or it cannot be tried
 */
export async function readUses(
  transaction: Transaction,
  sql: string,
  tables: readonly Table[],
  { searchPath, role }: ReadOptions,
): Promise<Pick<ReadStatement, "types" | "uses">> {
  const types = await preparedTypes(transaction, sql);
  const plan = await attempt(transaction, () =>
    readingAs(transaction, { role, searchPath }, async () => {
      await transaction.execute("SET LOCAL plan_cache_mode = force_generic_plan");
      const nulls = types.length === 0 ? "" : ` (${types.map(() => "NULL").join(", ")})`;
      return planOf(await transaction.query<ExplainRow>(explain("VERBOSE", `EXECUTE ${prepared}${nulls}`)));
    }),
  );
  await transaction.execute(`DEALLOCATE ${prepared}`);
  if (plan === undefined) throw new NotTriedError("It cannot be planned with the rights that advice is sought with.");
  const slowToBuild = new Set(
    tables.flatMap(({ indexes }) => indexes.filter((index) => !isQuickIndex(index)).map(({ name }) => name)),
  );
  if ([...planNodes(plan.root)].some((node) => slowToBuild.has(text(node, "Index Name") ?? ""))) {
    throw new NotTriedError("It uses an index of vectors, which takes too long to build for a trial.");
  }
  const isTextLike = (name: string, column: string) =>
    /^(character|character varying|name)$/.test(
      tables.find((table) => table.name === name)?.columns.find((each) => each.name === column)?.type ?? "",
    );
  return { types, uses: tableUses(plan.root, isTextLike) };
}

function checkOnlyReads(tree: Node): void {
  const query = fieldsOf(tree, "SelectStmt");
  const writes = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "IntoClause", "LockingClause"];
  if (
    query === undefined ||
    writes.some((kind) => all(tree, kind).length > 0) ||
    all(tree, "SelectStmt").some(({ intoClause }) => intoClause)
  ) {
    throw new NotTriedError("It writes or locks rows: only queries are run again.");
  }
}

/** What a function does outside of the transaction would not be rolled back. */
async function checkFunctions(transaction: Transaction, tree: Node): Promise<void> {
  const names = [...new Set(all(tree, "FuncCall").map(({ funcname }) => nameParts(funcname).at(-1)!))];
  if (names.length === 0) return;
  const [volatile] = await transaction.query<{ name: string }>(
    "SELECT proname AS name FROM pg_proc WHERE proname = ANY ($1::text[]) AND provolatile = 'v' LIMIT 1",
    [names],
  );
  if (volatile !== undefined) throw new NotTriedError(`It calls ${volatile.name}, which may do more than read.`);
}

async function tablesOf(transaction: Transaction, tree: Node): Promise<readonly Table[]> {
  const subqueries = new Set(all(tree, "CommonTableExpr").map(({ ctename }) => ctename));
  const names = new Map<string, string>();
  for (const { schemaname, relname } of all(tree, "RangeVar")) {
    if (schemaname === undefined && subqueries.has(relname)) continue;
    const parts = [schemaname, relname].flatMap((part) => (typeof part === "string" ? [quoteName(part)] : []));
    names.set(parts.join("."), String(relname));
  }
  const relations = await resolveRelations(transaction, [...names.keys()]);
  for (const [name] of names) {
    const relation = relations.get(name);
    if (relation === undefined) throw new NotTriedError("It names a table that is not there, or not to be seen.");
    if (relation.kind !== "r" || /^(pg_|information_schema$)/.test(relation.schema)) {
      throw new NotTriedError("It reads something other than plain tables, such as a view or partitions.");
    }
  }
  const oids = [...new Set([...relations.values()].map(({ oid }) => oid))];
  if (oids.length > maxTables) throw new NotTriedError(`It reads more than ${maxTables} tables.`);
  const tables = await readTables(transaction, oids);
  if (new Set(tables.map(({ name }) => name)).size < tables.length) {
    throw new NotTriedError("It reads two tables of one name.");
  }
  return tables;
}

const prepared = "quartet_advised";

async function preparedTypes(transaction: Transaction, sql: string): Promise<readonly string[]> {
  const isPrepared = await attempt(transaction, async () => {
    await transaction.execute(`PREPARE ${prepared} AS ${sql}`);
    return true;
  });
  if (isPrepared === undefined) throw new NotTriedError("PostgreSQL does not take its text as it is kept.");
  const [row] = await transaction.query<{ types: readonly string[] }>(
    "SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name = $1",
    [prepared],
  );
  return row?.types ?? [];
}

/** Copies of tables are found by name alone. */
function withoutSchemas(tree: Node, original: string): string {
  if (!all(tree, "RangeVar").some(({ schemaname }) => schemaname !== undefined)) return original;
  return toSql(withoutSchemasIn(tree));
}

export const withoutSchemasIn = (tree: Node): Node =>
  rewrite(tree, "RangeVar", ({ schemaname: _, ...fields }) => ({ ...fields }));
